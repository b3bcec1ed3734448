"""A supervised server for tests: its processes, its health page, what it said, and callers who keep it busy."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
from wire import Answer, Call, grpc, until

from darkroom.server import Server
from darkroom.server.health_page import HealthPage
from darkroom.server.policy import Policy
from darkroom.server.status import Status
from darkroom.server.supervisor import Supervisor

BRISK = Policy(calm_s=0.2, first_pause_s=0.1)
"""Every reload is the first: a test kills more often than a minute."""


@dataclass
class Supervised:
    server: Server
    status: Status
    page: HealthPage
    lines: list[str] = field(default_factory=list)

    def health(self) -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.page.port}/healthz", timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def heals(self, model: str) -> int:
        return int(self.health()[1]["models"].get(model, {}).get("heals", 0))

    def said(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in list(self.lines))

    def healthy(self) -> bool:
        return self.health()[0] == 200

    def stub(self, model: str) -> psutil.Process:
        """The process of a model, once it is the only one: an old version's ends a moment after the new one serves."""
        (found,) = until(lambda: one if len(one := _processes(self.server.pid, model)) == 1 else None)
        return found


def _processes(pid: int, model: str) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.Error):  # a zombie has no command line
            if any(f"/{model}/" in part for part in child.cmdline()):
                found.append(child)
    return found


@contextmanager
def supervised(server: Server, policy: Policy = BRISK, state: Path | None = None) -> Iterator[Supervised]:
    """Start the server, its supervisor and a health page; end them."""
    if state is not None:
        server.keep_pins(state)
    status = Status()
    page = HealthPage(status, "127.0.0.1", 0)
    running = Supervised(server, status, page)
    try:
        with server, Supervisor(server, policy, status, running.lines.append):
            yield running
    finally:
        page.close()


@contextmanager
def callers(server: Server, *calls: Call) -> Iterator[list[Answer | Exception]]:
    """One caller a call, who sends it again and again; answers and errors so far."""
    outcomes: list[Answer | Exception] = []
    stop = threading.Event()

    def run(call: Call) -> None:
        while not stop.is_set():
            try:
                outcomes.append(grpc(server, call))
            except Exception as error:
                outcomes.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)
