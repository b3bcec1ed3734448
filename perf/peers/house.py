"""A server to measure: one of the peers, or Darkroom, on loopback, with how to ask it."""

import contextlib
import json
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from perf.harness import OUT, free_port, server
from perf.load import photo
from perf.peers.environment import ROOT, environment, interpreter
from perf.peers.restorer import SIGMA

START_S, STOP_S = 120.0, 20.0
OURS = "darkroom"

Ask = Callable[[bytes], dict[str, Any]]
"""File -> arguments of aiohttp's `post`."""


@dataclass(frozen=True)
class House:
    """A running server."""

    name: str
    url: str
    pid: int
    ask: Ask


@dataclass(frozen=True)
class Terms:
    """What it is to do, and how it is to defend itself."""

    task: str
    simulate: str
    """DARKROOM_SIMULATE; empty computes on the CPU."""
    deadline_s: float
    queue: int
    """Requests in the house beyond which those that can refuse do."""


@contextlib.contextmanager
def open_house(name: str, terms: Terms) -> Iterator[House]:
    """Start it, wait until it answers a picture, stop it. Raises RuntimeError when it does not come up."""
    with _ours(terms) if name == OURS else _peer(name, terms) as house:
        yield house


@contextlib.contextmanager
def _ours(terms: Terms) -> Iterator[House]:
    headers = {"Inference-Header-Content-Length": "0", "darkroom-deadline_s": f"{terms.deadline_s:g}"}
    if terms.task == "denoise":
        headers["darkroom-strength"] = f"{SIGMA:g}"
    with server([terms.task], terms.simulate) as running:
        url = f"http://{running.http_url.removeprefix('http://')}/v2/models/{terms.task}/infer"
        yield House(OURS, url, running.pid, lambda data: {"data": data, "headers": headers})


@contextlib.contextmanager
def _peer(name: str, terms: Terms) -> Iterator[House]:
    python, port = interpreter(name), free_port()
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="peer-") as folder,
        (OUT / f"peer-{name}.log").open("wb") as log,
    ):
        env = environment(Path(folder)) | {
            "PEER_PORT": str(port),
            "PEER_TASK": terms.task,
            "PEER_DEADLINE_S": f"{terms.deadline_s:g}",
            "PEER_QUEUE": str(terms.queue),
            "DARKROOM_SIMULATE": terms.simulate,
        }
        command = [str(python), "-m", "perf.peers.guard", str(python), "-m", f"perf.peers.{name}.app"]
        child = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
        url = f"http://127.0.0.1:{port}/predict"
        try:
            _await_picture(name, url, child)
            (app,) = psutil.Process(child.pid).children()
            yield House(name, url, app.pid, ask_form if name == "litserve" else ask_body)
        finally:
            _stop(child)


def ask_body(data: bytes) -> dict[str, Any]:
    """The file is the body."""
    return {"data": data, "headers": {"Content-Type": "image/jpeg"}}


def ask_form(data: bytes) -> dict[str, Any]:
    """The file is a field of a form (LitServe reads JSON and forms only)."""
    form = aiohttp.FormData()
    form.add_field("image", data, filename="image.jpg", content_type="image/jpeg")
    return {"data": form}


def _await_picture(name: str, url: str, child: "subprocess.Popen[bytes]") -> None:
    """Ready means: a picture comes back."""
    body, kind = _form(photo(96, 96)) if name == "litserve" else (photo(96, 96), "image/jpeg")
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    give_up = time.monotonic() + START_S
    problem = ""
    while time.monotonic() < give_up and child.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=START_S) as answer:
                if answer.read(2) == b"\xff\xd8":
                    return
                problem = "it answered no JPEG"
        except (urllib.error.URLError, OSError) as error:
            problem = str(error)
        time.sleep(0.2)
    raise RuntimeError(f"{name} did not come up ({problem}); see {OUT}/peer-{name}.log.")


def _form(data: bytes) -> tuple[bytes, str]:
    boundary = "peers"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head.encode() + data + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """Ask it to go; end by their pids whatever of its processes is left."""
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_S)
        for process in [*psutil.wait_procs(family, 2.0)[1]]:
            with contextlib.suppress(psutil.Error):
                process.kill()
    if child.poll() is None:
        child.kill()
    child.communicate()


def reason_of(status: int, body: bytes) -> str:
    """What became of a request: ok, busy, deadline, or the status."""
    if status == 200:
        return "ok"
    if status in (503, 429, 504, 408):
        try:
            text = json.loads(body)["error"]
            return str(json.loads(text[text.rindex("{") :])["reason"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return "busy" if status in (503, 429) else "deadline"
    return f"HTTP {status}"
