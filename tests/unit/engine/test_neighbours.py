"""Several engines on one device, as two versions of a model and another model are: in turns, and foreseen so."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.board import BoardReader
from darkroom.board.writer import Board
from darkroom.config import EngineConfig
from darkroom.engine import Engine
from darkroom.engine.lock import DeviceLock
from darkroom.errors import BusyError
from darkroom.jobs import Jobs
from tests.unit.engine.fakes import FakeRunner, network, request
from tests.unit.engine.test_engine import wait_until

BATCH_S = 0.04
UNITS = 8 * 25  # a second alone


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Engine]]:
    """Engines of denoise 1, denoise 2 and super_resolution 1, which take turns."""
    boards = [Board(tmp_path, task, version) for task, version in (("denoise", "1"), ("denoise", "2"), ("sr", "1"))]
    engines = [
        Engine(
            EngineConfig(max_batch=8, max_batch_s=5.0),
            lock=DeviceLock(tmp_path),
            claim=board.claim,
            release=board.release,
            on_tick=(board.publish,),
        )
        for board in boards
    ]
    for engine in engines:
        engine.start()
    yield engines
    for engine, board in zip(engines, boards, strict=True):
        engine.stop(grace_s=0.0)
        board.close()


def test_quotes_and_refusals_know_of_the_others(three: list[Engine], tmp_path: Path) -> None:
    last = three[-1]
    nets = [network(FakeRunner(unit_s=BATCH_S / 8), f"net{i}") for i in range(3)]
    for engine, net in zip(three, nets, strict=True):
        engine.estimates.observe(net, (4,), 4, 8, BATCH_S)
        engine.device.mean_batch_s = BATCH_S
    alone = last.quote(request(nets[2], UNITS, id="alone"))
    assert alone.done_in_s == pytest.approx(1.0, rel=0.2)

    others = [request(net, 4 * UNITS, id=f"other{i}") for i, net in enumerate(nets[:2])]
    for engine, other in zip(three, others, strict=False):
        engine.submit(other)
    wait_until(lambda: len(last.admission.neighbours) == 2)
    asked = request(nets[2], UNITS, id="asked")
    quote = last.quote(asked)
    assert quote.work_s == pytest.approx(alone.work_s)
    assert quote.done_in_s == pytest.approx(3.0, rel=0.3)
    with pytest.raises(BusyError, match=r"its deadline is 1\.5 s"):
        last.submit(request(nets[2], UNITS, id="hasty", deadline_s=1.5))

    started = time.monotonic()
    last.submit(asked)
    asked.answer.wait(60)
    # the machine may be slow, but nobody gets ahead of a turn
    assert asked.answer.at - started > 2.0

    totals = json.loads(Jobs(BoardReader(tmp_path)).answer('{"action": "totals"}', {}))
    told = [(engine["task"], engine["version"], engine["alive"]) for engine in totals["engines"]]
    assert told == [("denoise", "1", True), ("denoise", "2", True), ("sr", "1", True)]
    backlog = sum(engine["backlog_s"] for engine in totals["engines"])
    assert totals["retry_after_s"] == pytest.approx(max(0.1, backlog / 4), abs=0.02)


def test_an_idle_neighbour_costs_nothing(three: list[Engine]) -> None:
    time.sleep(0.4)
    assert [engine.admission.neighbours for engine in three] == [()] * 3
