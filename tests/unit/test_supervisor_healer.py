"""Reloads by the supervisor: one for each trouble, however late the news of it comes."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from darkroom.server import healer
from darkroom.server.canary import Probe, Verdict
from darkroom.server.healer import Healer
from darkroom.server.healing import HealError
from darkroom.server.model_watch import Trouble
from darkroom.server.policy import Policy
from darkroom.server.status import Status
from darkroom.server.stubs import Stub
from darkroom.server.supervisor import Supervisor

POLICY = Policy(first_pause_s=0.0, calm_s=0.0)
DIED = Trouble("its process died (signal 9)", stuck=True)


class Processes:
    """The processes of one model: each reload brings a new one."""

    def __init__(self) -> None:
        self.pid = 1

    def stub(self) -> Stub:
        return Stub(self.pid, "denoise", "1", f"region-{self.pid}")

    def living(self, model: str) -> list[Stub]:
        return [self.stub()]


def settled(one: Healer, model: str) -> None:
    end = time.monotonic() + 5
    while one.is_healing(model):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_processes_that_a_reload_replaced_are_no_news_when_they_are_found_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    processes, found = Processes(), []

    def heal(server: Any, model: str, config: Any, stubs: Any, **_: Any) -> None:
        found.extend(stubs())
        processes.pid += 1
        if len(found) == 1:
            raise HealError("it does not load")

    monkeypatch.setattr(healer, "heal", heal)
    server: Any = SimpleNamespace(alive=True)
    one = Healer(server, POLICY, Status(), lambda line: None, lambda: True, lambda model: None)
    one.start("denoise", DIED, None, processes)  # type: ignore[arg-type]
    settled(one, "denoise")
    assert [stub.pid for stub in found] == [1, 2]
    assert all(one.has_replaced(stub) for stub in found)
    assert not one.has_replaced(processes.stub())


def test_a_canary_of_the_process_before_does_not_reload_the_new_one(tmp_path: Any) -> None:
    said: list[str] = []
    server: Any = SimpleNamespace(alive=True, stopping=False, pins=None, runtime_dir=tmp_path)
    supervisor = Supervisor(server, POLICY, say=said.append)
    supervisor._healed("denoise")
    dead = Probe(Verdict.DEAD, "the stub process is not healthy")
    supervisor._hear("denoise", "1", dead, time.monotonic() - 1.0, Processes())  # type: ignore[arg-type]
    assert not supervisor._healer.is_healing("denoise")
    assert said == []
    supervisor.close()
