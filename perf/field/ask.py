"""Sends a file to a task: in this process, or through a gateway in front of a real server."""

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from darkroom.engine import Engine
from darkroom.engine.simulated import VARIABLE as SIMULATE
from darkroom.errors import DarkroomError
from darkroom.pipelines import denoise, face_enhance, super_resolution
from darkroom.service import Answer, Incoming, Service
from darkroom.version import ModelVersion
from perf.field.case import Device, Outcome, Way
from perf.gateway import running_gateway
from perf.harness import server

REPOSITORY = Path("model_repository")
TASKS = {task.name: task for task in (denoise.TASK, face_enhance.TASK, super_resolution.TASK)}
QUICK = "0.01,0.001"
"""DARKROOM_SIMULATE of a device that takes no time worth mentioning."""
DEADLINE_S = 300.0


class Asker(Protocol):
    """Answers one file at a time."""

    def ask(self, way: Way, data: bytes) -> Outcome:
        """Send the file and wait for the answer."""


class InProcess:
    """Version 1 of every task in this process, loaded when it is first asked. A context manager."""

    def __init__(self, device: Device, repository: Path = REPOSITORY) -> None:
        self._device, self._repository = device, repository
        self._services: dict[str, Service] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def ask(self, way: Way, data: bytes) -> Outcome:
        service = self._services.get(way.task) or self._load(way.task)
        done = threading.Event()
        replies: list[tuple[Answer | None, DarkroomError | None]] = []

        def reply(answer: Answer | None, error: DarkroomError | None) -> None:
            replies.append((answer, error))
            done.set()

        started = time.perf_counter()
        try:
            service.submit(Incoming(data, {"deadline_s": DEADLINE_S, **way.options}), reply)
        except Exception as error:  # a defect: the front end would answer 500
            return Outcome(way, reason="internal", sentence=f"{type(error).__name__}: {error}", status=500)
        done.wait()
        seconds = time.perf_counter() - started
        ((answer, refusal),) = replies
        if answer is None:
            assert refusal is not None
            return Outcome(way, reason=refusal.reason, sentence=refusal.message, status=_STATUS[refusal.reason])
        return Outcome(way, image=answer.image, report=json.loads(answer.report), seconds=seconds)

    def _load(self, task: str) -> Service:
        with _environment(SIMULATE, QUICK if self._device == "simulated" else ""):
            version = ModelVersion.load(self._repository / task / "1", task, "1", gpu=False)
        self._open.callback(version.close)
        engine = Engine(version.config.engine)
        service = Service(TASKS[task], version, engine)
        service.warm_up()
        engine.start()
        self._open.callback(lambda: engine.stop(grace_s=0.0))
        self._services[task] = service
        return service


_STATUS = {"bad_image": 400, "bad_option": 422, "busy": 429, "deadline": 504, "unavailable": 503, "internal": 500}


class Served:
    """A gateway in front of a server with the three tasks."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, way: Way, data: bytes) -> Outcome:
        started = time.perf_counter()
        query = {"deadline_s": DEADLINE_S, **way.options}
        path = f"/v1/{way.task.replace('_', '-')}"
        headers = {"content-type": "application/octet-stream"}
        answer = self._client.post(path, params=_text(query), content=data, headers=headers)
        seconds = time.perf_counter() - started
        if answer.status_code == 200 and answer.headers["content-type"].startswith("image/"):
            report = json.loads(answer.headers.get("darkroom-report", "{}"))
            return Outcome(way, image=answer.content, report=report, seconds=seconds)
        body = answer.json()
        if answer.status_code == 200:
            return Outcome(way, report=body, seconds=seconds)
        return Outcome(way, reason=body["reason"], sentence=body["detail"], status=answer.status_code)


@contextmanager
def served(device: Device) -> Iterator[Served]:
    """A real server, simulated or on the CPU, and a gateway in front of it."""
    simulate = QUICK if device == "simulated" else ""
    with (
        server(list(TASKS), simulate) as running,
        running_gateway(running.grpc_url) as (url, _),
        httpx.Client(base_url=url, timeout=2 * DEADLINE_S) as client,
    ):
        yield Served(client)


def _text(query: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """The variable set, or absent where `value` is empty."""
    before = os.environ.pop(name, None)
    if value:
        os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before
