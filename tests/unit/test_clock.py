"""Somebody sets the machine's clock: no deadline, forecast or file of the board goes by the time of day."""

import ast
import itertools
import time
from pathlib import Path

import pytest

from darkroom.board import BoardReader
from darkroom.board.writer import Board
from darkroom.config import EngineConfig
from darkroom.engine import Engine
from tests.unit.engine.fakes import FakeRunner, network, request

PACKAGE = Path(__file__).parents[2] / "darkroom"
TIME_OF_DAY = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def reads_of_the_time_of_day(source: str) -> list[int]:
    """Lines that call one of TIME_OF_DAY, or import it by its bare name."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in TIME_OF_DAY:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            lines += [node.lineno for name in node.names if ("time", name.name) in TIME_OF_DAY]
    return sorted(lines)


def test_the_search_finds_them() -> None:
    assert reads_of_the_time_of_day("import time\nx = time.time()\nfrom time import time_ns\ntime.monotonic()") == [
        2,
        3,
    ]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_that_serves_reads_the_time_of_day(path: Path) -> None:
    assert reads_of_the_time_of_day(path.read_text()) == []


def test_jobs_run_through_jumps_of_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = itertools.cycle([0.0, 4e9, -1e6, 1.7e9])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    board = Board(tmp_path, "denoise", "1")
    engine = Engine(EngineConfig(), claim=board.claim, release=board.release, on_tick=(board.publish,))
    engine.start()
    try:
        jobs = [request(network(FakeRunner(unit_s=0.001)), 50, id=str(i), deadline_s=20.0) for i in range(10)]
        for job in jobs:
            engine.submit(job)
        assert [job.answer.wait()[1] for job in jobs] == [None] * 10
        assert BoardReader(tmp_path).engines()[0]["alive"]
    finally:
        engine.stop(grace_s=0)
        board.close()
