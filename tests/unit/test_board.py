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

from darkroom.board import BoardReader, files, sweep
from darkroom.board.claims import Claims
from darkroom.board.writer import Board
from darkroom.engine import Engine, Job
from darkroom.errors import BadOptionError, CancelledError, NotAllowedError, UnavailableError
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
    assert (state["units_done"], state["units_total"], state["progress"]) == (0, 20, 0.0)
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
    assert 0 <= totals[0]["up_s"] < 60


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


OWNER = """
import sys, threading
from pathlib import Path
from darkroom.board import files
from darkroom.board.writer import Board
from darkroom.engine.job import now
from tests.unit.engine import fakes

runner = fakes.FakeRunner()
runner.gate.clear()
board = Board(Path(sys.argv[1]), "denoise", "1")
engine = fakes.Engine(fakes.engine().config, claim=board.claim, release=board.release, on_tick=(board.publish,))
engine.start()
engine.submit(fakes.request(fakes.network(runner), 5, id="orphan"))
print("running", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def orphaned(tmp_path: Path) -> Path:
    """The board after a process with a job "orphan" was killed."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "running\n"
        reader = BoardReader(tmp_path)
        wait_for(lambda: reader.job("orphan") and reader.engines())
        assert reader.engines()[0]["alive"] is True
    finally:
        process.kill()
        process.communicate()
    return tmp_path


def test_what_a_dead_process_left_counts_as_gone(orphaned: Path) -> None:
    reader = BoardReader(orphaned)
    assert reader.job("orphan") is None
    assert reader.jobs() == []
    assert reader.cancel("orphan") is False


def test_a_dead_engine_is_listed_as_dead_until_it_is_swept(orphaned: Path) -> None:
    jobs = Jobs(BoardReader(orphaned))
    (engine,) = json.loads(jobs.answer('{"action": "totals"}', {}))["engines"]
    assert (engine["task"], engine["version"], engine["alive"], engine["poisoned"]) == ("denoise", "1", False, False)
    Board(orphaned, "denoise", "2")
    assert BoardReader(orphaned).engines(), "another version does not take its place"
    sweep(orphaned)
    assert BoardReader(orphaned).engines() == []
    assert [path for kind in files.FOLDERS for path in (orphaned / kind).iterdir()] == []


def test_the_next_engine_of_the_version_sweeps_the_dead_one(orphaned: Path) -> None:
    Board(orphaned, "denoise", "1")
    assert BoardReader(orphaned).engines() == []
    assert not list((orphaned / "jobs").iterdir())


def test_the_backlog_of_a_dead_engine_keeps_nobody_waiting(orphaned: Path) -> None:
    (path,) = (orphaned / "engines").iterdir()
    files.replace(path, files.read(path) | {"backlog_s": 500.0})  # type: ignore[operator]
    assert json.loads(Jobs(BoardReader(orphaned)).answer('{"action": "totals"}', {}))["retry_after_s"] == 0.1


def test_an_id_whose_process_died_is_free_again(orphaned: Path) -> None:
    board, engine = Board(orphaned, "super_resolution", "1"), fakes.engine()
    job = Job(
        engine,
        fakes.request(fakes.network(fakes.FakeRunner()), 1, id="orphan"),
        engine.device.line.join("interactive"),
        0.0,
    )
    assert board.claim(job)
    assert BoardReader(orphaned).job("orphan") is not None
    board.close()


def test_a_sweep_leaves_the_living_alone(held: Any, tmp_path: Path) -> None:
    reader = BoardReader(tmp_path)
    wait_for(reader.engines)
    half = tmp_path / "jobs" / f".half.json.{os.getpid()}"
    half.write_text("{")
    for _ in range(20):
        sweep(tmp_path)
        assert reader.job("mine") is not None
    assert len(reader.engines()) == 1
    assert half.exists()
    assert not Claims(tmp_path / "claims").take(files.name_of("mine"))


def test_a_half_written_file_of_a_dead_process_is_swept(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    files.prepare(tmp_path)
    half = tmp_path / "engines" / f".denoise-1.json.{process.pid}"
    half.write_text("{")
    sweep(tmp_path)
    assert not half.exists()


def test_a_pid_that_is_used_again_is_not_the_process_it_was(tmp_path: Path) -> None:
    files.prepare(tmp_path)
    path = tmp_path / "engines" / f"denoise-1-{os.getpid()}-1.json"
    identity = {"pid": os.getpid(), "process_start": "1", "started_at": 0}
    files.replace(path, {"task": "denoise", "version": "1", "backlog_s": 9, **identity})
    assert BoardReader(tmp_path).engines()[0]["alive"] is False
    sweep(tmp_path)
    assert not path.exists()


CLAIMANT = """
import sys, time
from pathlib import Path
from darkroom.board.claims import Claims

folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
claims, inside, overlaps = Claims(folder), folder.parent / "inside", 0
print("ready", flush=True)
sys.stdin.readline()
taken = 0
while taken < rounds:
    if claims.take("one"):
        taken += 1
        try:
            inside.mkdir()
        except FileExistsError:
            overlaps += 1
        time.sleep(0.0002)
        inside.rmdir()
        claims.give_back("one")
print(overlaps)
"""


def test_of_many_processes_one_has_an_id(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMANT, str(folder), "50"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert answers == ["0\n"] * 6
    assert not list(folder.iterdir())


def test_a_full_board_refuses_a_named_job_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(tmp_path, "denoise", "1")
    engine = Engine(fakes.engine().config, claim=board.claim, release=board.release, on_tick=(board.publish,))
    engine.start()

    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(28, "No space left on device")

    try:
        monkeypatch.setattr(os, "open", full)
        with pytest.raises(UnavailableError, match="could not be written down"):
            engine.submit(fakes.request(fakes.network(fakes.FakeRunner()), 1, id="named"))
        monkeypatch.undo()
        monkeypatch.setattr(files, "replace", full)
        named = fakes.request(fakes.network(fakes.FakeRunner()), 1, id="named")
        engine.submit(named)
        assert named.answer.wait() == ([1], None)
    finally:
        monkeypatch.undo()
        engine.stop(grace_s=0)
        board.close()


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
        with pytest.raises(NotAllowedError, match="darkroom-admin-key"):
            jobs.answer(ask, parameters)  # no key file is named: nobody may
    monkeypatch.setenv("DARKROOM_ADMIN_KEY_FILE", str(key))
    with pytest.raises(NotAllowedError) as refused:
        jobs.answer(ask, {"darkroom-admin-key": "wrong"})
    assert refused.value.wire_message().endswith('{"reason": "not_allowed"}')
    listed = json.loads(jobs.answer(ask, {"Darkroom-Admin-Key": "secret"}))["jobs"]
    assert [job["id"] for job in listed] == ["mine"]


def test_a_process_is_known_by_its_start_too() -> None:
    assert files.process_start(os.getpid())
    assert not files.is_alive({"pid": os.getpid(), "process_start": "1"})
    assert files.process_start(2**22 + 1) == ""
