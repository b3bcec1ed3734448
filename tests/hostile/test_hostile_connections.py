"""Callers who are slow, or go away in the middle: nobody else waits for them, and nothing of theirs stays."""

import contextlib
import io
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import PIL.Image
import psutil
import pytest
import tritonclient.grpc
from tritonclient.utils import InferenceServerException

from darkroom.server import Server
from perf.cancel import cancel_jobs, until_idle
from perf.gateway import running_gateway
from perf.hostile import Hostile
from perf.hostile.seeds import seeds
from perf.hostile.sending import Sender

TIMEOUT_S = 60
GOOD = Hostile("a sound file", seeds()["png"])
PATH = "/v2/models/super_resolution/infer"
REST = "/v1/super-resolution?scale=2"


def noise(width: int, height: int) -> bytes:
    """A PNG whose answer is large, for nothing in it can be compressed."""
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def head(path: str, length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: x", "Inference-Header-Content-Length: 0", f"Content-Length: {length}")
    return "\r\n".join((*lines, "", "")).encode()


def connect(where: str) -> socket.socket:
    host, _, port = where.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=TIMEOUT_S)


def until(condition: Callable[[], Any]) -> None:
    give_up = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def sender(quick: Server, quick_gateway: str) -> Iterator[Sender]:
    """Afterwards a sound file is answered as before, and no job, file or connection is left."""
    sending = Sender(quick.http_url, quick.grpc_url, quick_gateway)
    expected = [sending.send(way, GOOD).picture for way in sending.ways]
    yield sending
    assert [sending.send(way, GOOD).picture for way in sending.ways] == expected
    until(lambda: idle(quick))
    assert not [path for kind in ("jobs", "cancel") for path in (quick.runtime_dir / kind).iterdir()]
    sending.close()


def idle(server: Server) -> bool:
    with contextlib.closing(tritonclient.grpc.InferenceServerClient(server.grpc_url)) as client:
        tensor = tritonclient.grpc.InferInput("query", [1], "BYTES")
        tensor.set_data_from_numpy(np.array([b'{"action": "totals"}'], dtype=np.object_))
        try:
            totals = json.loads(client.infer("jobs", [tensor]).as_numpy("answer")[0])
        except InferenceServerException as error:
            if "Request timeout expired" in error.message():  # on a busy machine questions grow old too
                return False
            raise
    return not any(e["jobs_waiting"] + e["jobs_running"] + e["units_waiting"] for e in totals["engines"])


def connections_to(pid: int, where: str) -> int:
    port = int(where.rpartition(":")[2])
    found = psutil.Process(pid).net_connections("tcp")
    return sum(each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED for each in found)


@contextlib.contextmanager
def slow_callers(where: str, path: str, count: int) -> Iterator[None]:
    """Half of them have sent part of their headers, half part of their picture; each sends a byte now and then."""
    callers = [connect(where) for _ in range(count)]
    whole = head(path, len(GOOD.data))
    for number, caller in enumerate(callers):
        caller.sendall(whole[:40] if number % 2 else whole + GOOD.data[:50])
    ended = threading.Event()

    def trickle() -> None:
        while not ended.wait(0.2):
            for caller in callers:
                with contextlib.suppress(OSError):
                    caller.sendall(b"a")

    trickling = threading.Thread(target=trickle, daemon=True)
    trickling.start()
    try:
        yield
    finally:
        ended.set()
        trickling.join()
        for caller in callers:
            caller.close()


def test_slow_callers_of_triton_hold_up_nobody(sender: Sender, quick: Server) -> None:
    before = connections_to(quick.pid, quick.http_url)
    with slow_callers(quick.http_url, PATH, 60):
        until(lambda: connections_to(quick.pid, quick.http_url) >= before + 60)
        for way in sender.ways:
            assert sender.send(way, GOOD).answer == "ok"
    until(lambda: connections_to(quick.pid, quick.http_url) <= before)


def test_slow_callers_of_the_gateway_hold_up_nobody_and_are_told_so(sender: Sender, quick: Server) -> None:
    with running_gateway(quick.grpc_url, "--upload-s", "1") as (url, process):
        through = Sender(quick.http_url, quick.grpc_url, url)
        with slow_callers(url, REST, 60):
            for way in ("gateway", "gateway form"):
                assert through.send(way, GOOD).answer == "ok"
            slow = connect(url)
            slow.sendall(head(REST, len(GOOD.data)) + GOOD.data[:50])
            assert b" 408 " in slow.recv(100)
            slow.close()
        through.close()
        until(lambda: connections_to(process.pid, url) == 0)


def test_an_answer_read_byte_by_byte_holds_up_nobody(sender: Sender, quick: Server, quick_gateway: str) -> None:
    picture = noise(700, 700)
    for where, path in ((quick.http_url, PATH), (quick_gateway, REST)):
        readers = [connect(where) for _ in range(6)]
        for reader in readers:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.sendall(head(path, len(picture)) + picture)
        for _ in range(5):
            assert all(reader.recv(1) for reader in readers)
            assert all(sender.send(way, GOOD).answer == "ok" for way in sender.ways)
        for reader in readers:
            reader.close()


def test_callers_who_go_away_in_the_middle_leave_nothing(sender: Sender, quick: Server, quick_gateway: str) -> None:
    picture = noise(300, 300)
    before = connections_to(quick.pid, quick.http_url)
    for number in range(60):
        where, path = ((quick.http_url, PATH), (quick_gateway, REST))[number % 2]
        whole = head(path, len(picture)) + picture
        caller = connect(where)
        # in the headers, in the picture, while it is worked on, in the answer
        caller.sendall(whole[: (30, len(whole) // 2, len(whole), len(whole))[number // 2 % 4]])
        if number // 2 % 4 == 3:
            caller.recv(100)
        # with what is unread in it, closing resets the connection
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        caller.close()
    until(lambda: connections_to(quick.pid, quick.http_url) <= before)


def test_gone_callers_of_grpc_take_their_jobs_along(sender: Sender, slow: Server) -> None:
    picture = noise(1200, 900)
    tensor = tritonclient.grpc.InferInput("image", [1, len(picture)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(picture, np.uint8)[None])
    clients = [tritonclient.grpc.InferenceServerClient(slow.grpc_url) for _ in range(4)]
    for client in clients:
        client.async_infer("super_resolution", [tensor], lambda result, error: None, parameters={"scale": 2})
    until(lambda: not idle(slow))
    for client in clients:
        client.close()
    until(lambda: idle(slow))


def test_a_killed_gateway_leaves_no_job(slow: Server) -> None:
    with running_gateway(slow.grpc_url) as (url, process):
        picture, path = noise(1200, 900), f"{REST}&deadline_s=600"
        waiting = connect(url)
        waiting.sendall(head(path, len(picture)) + picture)
        for _ in range(4):
            with contextlib.closing(connect(url)) as background:
                background.sendall(head(f"{path}&async=true", len(picture)) + picture)
                assert b" 202 " in background.recv(200)
        until(lambda: not idle(slow))
        os.kill(process.pid, signal.SIGKILL)
        began = time.monotonic()
        until(lambda: idle(slow))
        assert time.monotonic() - began < 10  # of 25 s of work
        waiting.close()
    assert not [path for kind in ("jobs", "cancel") for path in (slow.runtime_dir / kind).iterdir()]


@pytest.mark.parametrize("count", [150, pytest.param(3_000, marks=pytest.mark.slow)])
async def test_cancelled_jobs_leave_nothing(quick: Server, count: int) -> None:
    reasons = await cancel_jobs(quick.grpc_url, count)
    assert set(reasons) <= {"cancelled", "ok"}
    assert sum(reasons.values()) == count
    assert await until_idle(quick.grpc_url) < 30
    assert not [path for kind in ("jobs", "cancel") for path in (quick.runtime_dir / kind).iterdir()]


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """60 ms a unit: a picture of a million pixels takes 5 s."""
    models, environment = ["super_resolution", "jobs"], {"DARKROOM_SIMULATE": "10,60"}
    with Server(models=models, config_name="simulated", env=environment, exit_timeout_s=1) as running:
        yield running
