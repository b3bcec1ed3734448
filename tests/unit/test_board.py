"""The board and the `jobs` model: what other processes may know of running jobs."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.board import Board, BoardReader, files
from darkroom.engine import Engine, Job
from darkroom.errors import BadOptionError, CancelledError
from darkroom.jobs import Jobs
from tests.unit.engine import fakes


@pytest.fixture
def held(tmp_path: Path) -> Any:
    """An engine on a board, with one job "mine" of 20 units held on the device."""
    runner = fakes.FakeRunner(unit_s=0.005)
    runner.gate.clear()
    board = Board(tmp_path, "denoise", "1")
    engine = Engine(fakes.engine().config, claim=board.claim, release=board.release, on_tick=(board.publish,))
    engine.start()
    request = fakes.request(fakes.network(runner), 20, id="mine")
    engine.submit(request)
    yield engine, request, runner
    runner.gate.set()
    engine.stop(grace_s=1.0)
    board.close()


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 5
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return value


def test_a_running_job_is_on_the_board_and_gone_with_its_end(held: Any, tmp_path: Path) -> None:
    engine, request, runner = held
    reader = BoardReader(tmp_path)
    state = wait_for(lambda: (job := reader.job("mine")) and job["eta_s"] is not None and job)
    assert state["state"] == "running"
    assert (state["units_done"], state["units_total"]) == (0, 20)
    assert state["start_id"] == engine.start_id
    assert "pid" not in state
    runner.gate.set()
    request.answer.wait()
    assert reader.job("mine") is None
    assert not list((tmp_path / "jobs").iterdir())


def test_totals_name_the_engine(held: Any, tmp_path: Path) -> None:
    engine, _, _ = held
    totals = wait_for(lambda: json.loads(Jobs(BoardReader(tmp_path)).answer('{"action": "totals"}', {}))["engines"])
    assert totals[0]["task"] == "denoise"
    assert totals[0]["start_id"] == engine.start_id
    assert totals[0]["jobs_running"] == 1


def test_a_job_is_cancelled_by_its_id(held: Any, tmp_path: Path) -> None:
    _, request, runner = held
    jobs = Jobs(BoardReader(tmp_path))
    assert json.loads(jobs.answer('{"action": "cancel", "id": "mine"}', {}))["cancelled"] is True
    runner.gate.set()
    assert isinstance(request.answer.wait()[1], CancelledError)
    assert json.loads(jobs.answer('{"action": "cancel", "id": "mine"}', {}))["cancelled"] is False
    assert not list((tmp_path / "cancel").iterdir())


def test_a_cancel_that_came_too_late_is_forgotten(held: Any, tmp_path: Path) -> None:
    late = tmp_path / "cancel" / files.name_of("ended just before")
    late.touch()
    wait_for(lambda: not late.exists())
    assert BoardReader(tmp_path).job("mine") is not None


def test_a_late_cancel_does_not_meet_the_next_job_of_that_id(tmp_path: Path) -> None:
    board, engine = Board(tmp_path, "denoise", "1"), fakes.engine()
    share = engine.device.line.join("interactive")
    job = Job(engine, fakes.request(fakes.network(fakes.FakeRunner()), 1, id="again"), share, 0.0)
    late = tmp_path / "cancel" / files.name_of("again")
    late.touch()
    assert board.claim(job)
    assert not late.exists()


def test_a_job_that_ends_while_its_state_is_written_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board, engine, replace = Board(tmp_path, "denoise", "1"), fakes.engine(), files.replace
    share = engine.device.line.join("interactive")
    job = Job(engine, fakes.request(fakes.network(fakes.FakeRunner()), 1, id="short"), share, 0.0)
    board.claim(job)
    engine.jobs["short"] = job
    job.units_done = 1

    def end() -> None:
        job.state = "done"
        board.release(job)

    ends = threading.Thread(target=end)

    def slow_replace(path: Path, content: dict[str, Any]) -> None:
        if path.parent.name == "jobs":
            ends.start()
            ends.join(0.1)  # the event loop goes on while the watcher writes
        replace(path, content)

    monkeypatch.setattr(files, "replace", slow_replace)
    board.publish(engine)
    ends.join()
    assert not list((tmp_path / "jobs").iterdir())


def test_an_id_is_taken_on_the_whole_server(held: Any, tmp_path: Path) -> None:
    other = Board(tmp_path, "super_resolution", "1")
    engine = Engine(fakes.engine().config, claim=other.claim, release=other.release)
    engine.start()
    with pytest.raises(BadOptionError, match='"mine" names a job that is still running'):
        engine.submit(fakes.request(fakes.network(fakes.FakeRunner()), 1, id="mine"))
    engine.stop(grace_s=0)


def test_what_a_dead_process_left_counts_as_gone(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    reader = BoardReader(tmp_path)
    identity = {"pid": process.pid, "process_start": files.process_start(process.pid)}
    path = tmp_path / "jobs" / f"{files.name_of('orphan')}.json"
    files.replace(path, {"id": "orphan", "state": "running", **identity})
    assert reader.job("orphan") is not None
    process.kill()
    process.wait()
    assert reader.job("orphan") is None
    assert not path.exists()


def test_an_unknown_job_is_unknown(tmp_path: Path) -> None:
    answer = json.loads(Jobs(BoardReader(tmp_path)).answer('{"action": "state", "id": "../../etc"}', {}))
    assert answer == {"id": "../../etc", "state": "unknown"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("no json", "query must be one JSON object"),
        ("[]", "query must be one JSON object"),
        ('{"action": "explode"}', 'action must be one of state, cancel, totals, list, versions, got "explode"'),
        ('{"action": "state"}', "id must be the id of a job, got null"),
    ],
)
def test_a_wrong_query_is_named(tmp_path: Path, query: str, words: str) -> None:
    with pytest.raises(BadOptionError, match=words):
        Jobs(BoardReader(tmp_path)).answer(query, {})


def test_the_list_of_all_jobs_needs_the_admin_key(held: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "admin.key"
    key.write_text("secret\n")
    jobs = Jobs(BoardReader(tmp_path))
    ask = '{"action": "list"}'
    for parameters in ({}, {"darkroom-admin-key": "wrong"}, {"Darkroom-Admin-Key": "secret"}):
        with pytest.raises(BadOptionError, match="darkroom-admin-key"):
            jobs.answer(ask, parameters)  # no key file is named: nobody may
    monkeypatch.setenv("DARKROOM_ADMIN_KEY_FILE", str(key))
    with pytest.raises(BadOptionError):
        jobs.answer(ask, {"darkroom-admin-key": "wrong"})
    listed = json.loads(jobs.answer(ask, {"Darkroom-Admin-Key": "secret"}))["jobs"]
    assert [job["id"] for job in listed] == ["mine"]


def test_a_process_is_known_by_its_start_too() -> None:
    assert files.process_start(os.getpid())
    assert not files.is_alive({"pid": os.getpid(), "process_start": "1"})
    assert files.process_start(2**22 + 1) == ""
