"""The three services under comparison, each as it is run: fresh processes on free loopback ports."""

import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from perf.harness import OUT, server

READY_S = 60.0


@dataclass(frozen=True)
class Running:
    """A service that answers `POST /process`."""

    url: str
    pids: tuple[int, ...]
    """The roots of its process trees: what its memory is counted over."""


Contender = Callable[[float], AbstractContextManager[Running]]
"""Starts the service; the argument is how many seconds a caller waits for an answer."""


@contextlib.contextmanager
def _uvicorn(app: str, patience_s: float) -> Iterator[Running]:
    command = [sys.executable, "-m", "uvicorn", "--factory", app, "--host", "127.0.0.1", "--port", "0"]
    environment = os.environ | {"GATEWAY_TIMEOUT_S": str(patience_s)}
    log = OUT / "uvicorn.log"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file, env=environment) as child:
        try:
            yield Running(_said(child, log, r"Uvicorn running on (http://\S+)"), (child.pid,))
        finally:
            child.kill()  # threads that compute for nobody would be waited for


@contextlib.contextmanager
def before(patience_s: float) -> Iterator[Running]:
    with _uvicorn("perf.baselines.before:create", patience_s) as running:
        yield running


@contextlib.contextmanager
def after(patience_s: float) -> Iterator[Running]:
    with _uvicorn("perf.baselines.after:create", patience_s) as running:
        yield running


@contextlib.contextmanager
def darkroom(patience_s: float) -> Iterator[Running]:
    """Triton and the REST gateway before it, which keeps the old contract. Its deadline is the callers' patience."""
    command = [sys.executable, "-m", "darkroom_gateway", "--port", "0", "--triton"]
    log = OUT / "gateway.log"
    with server(["super_resolution"]) as triton, log.open("w") as file:
        command.append(triton.grpc_url)
        with subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as child:
            try:
                url = _said(child, log, r"Ready: (http://\S+) ")
                yield Running(url, (triton.pid, child.pid))
            finally:
                child.kill()


CONTENDERS: dict[str, Contender] = {"before": before, "after": after, "Darkroom": darkroom}


def _said(child: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    """The address that a service writes to its log once it listens."""
    give_up = time.monotonic() + READY_S
    while time.monotonic() < give_up and child.poll() is None:
        found = re.search(pattern, log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise SystemExit(f"A service did not start; see {log}.")


def process(url: str, photo: bytes, timeout_s: float) -> int:
    """One request as callers send it; its status."""
    mark = b"darkroom-measures"
    head = b'Content-Disposition: form-data; name="file"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"--" + mark + b"\r\n" + head + photo + b"\r\n--" + mark + b"--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={mark.decode()}"}
    request = urllib.request.Request(f"{url}/process", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
