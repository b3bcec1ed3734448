"""A model that is unloaded under load, and a model process that is killed: on a server of their own."""

from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from flights import engine, flying, medium, simulated_server, thumbnail
from wire import Answer, RefusedError, ask, grpc, grpc_client, until

from darkroom.server import Server


@pytest.fixture(scope="module")
def fragile() -> Iterator[Server]:
    # a request that a killed process has left unanswered keeps tritonserver from ending
    with simulated_server("10,10", exit_timeout_s=1) as running:
        yield running


def control(server: Server, action: str, **more: Any) -> None:
    with grpc_client(server) as client:
        getattr(client, action)("super_resolution", headers=server.admin_grpc_headers, **more)


def stub(server: Server) -> psutil.Process:
    """The process of super_resolution."""
    children = psutil.Process(server.pid).children(recursive=True)
    alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    (found,) = [child for child in alive if any("super_resolution" in part for part in child.cmdline())]
    return found


def outcome(future: Any) -> str:
    error = future.exception(timeout=120)
    if error is None:
        assert isinstance(future.result(), Answer)
        return "ok"
    assert isinstance(error, RefusedError)
    return str(error.details["reason"])


def test_unloading_answers_every_job_once_and_loading_serves_again(fragile: Server) -> None:
    before = engine(fragile)["start_id"]
    calls = [medium() for _ in range(3)] + [thumbnail() for _ in range(5)]
    with flying(fragile, *calls) as answers:
        control(fragile, "unload_model")
        outcomes = [outcome(answer) for answer in answers]
        assert set(outcomes) <= {"ok", "unavailable"}
        assert "ok" in outcomes
        with pytest.raises(Exception, match=r"no available versions|not ready|unloaded"):
            grpc(fragile, thumbnail())
        control(fragile, "load_model")
        until(lambda: ask(fragile, {"action": "totals"})["engines"])
    assert grpc(fragile, thumbnail()).image
    assert engine(fragile)["start_id"] != before


def test_a_killed_model_process_does_not_take_the_server_down(fragile: Server) -> None:
    process = stub(fragile)
    process.kill()
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(Exception, match=r"Stub process .* is not healthy"):
        grpc(fragile, thumbnail())
    assert fragile.alive
    assert engine(fragile)["alive"] is False
    control(fragile, "unload_model")
    control(fragile, "load_model")
    assert grpc(fragile, thumbnail()).image
    assert stub(fragile).pid != process.pid
    assert until(lambda: engine(fragile)["alive"])
