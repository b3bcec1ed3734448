"""Units of a CPU batch side by side: each gets the bytes it would get alone, and what fails leaves nothing running."""

import os
import threading
import time

import numpy as np
import pytest

from darkroom.network import Unit
from darkroom.side_by_side import MOST_SHAPES, NICENESS, SideBySide

CORES = 2


class Halving:
    """uint8 [n, h, w] -> itself, halved. Remembers the sizes of its batches."""

    def __init__(self, error: float = 0.0) -> None:
        self.batches: list[int] = []
        self.closed = False
        self.released = 0
        self.running = 0
        self._error = error
        self._lock = threading.Lock()

    def run(self, inputs: Unit) -> Unit:
        with self._lock:
            self.batches.append(len(inputs[0]))
            self.running += 1
        time.sleep(0.001)
        with self._lock:
            self.running -= 1
        if (inputs[0] == 255).any():
            raise RuntimeError("white is not for me")
        return (inputs[0] / 2 + self._error,)

    def release_memory(self) -> None:
        self.released += 1

    def close(self) -> None:
        self.closed = True


def batch(count: int, height: int = 3) -> Unit:
    return ((np.arange(count * height * 2) % 250).astype(np.uint8).reshape(count, height, 2),)


def pair(error: float = 0.0) -> tuple[Halving, Halving, SideBySide]:
    wide, narrow = Halving(), Halving(error)
    return wide, narrow, SideBySide(lambda: wide, lambda: narrow, CORES)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_every_unit_is_computed_and_keeps_its_place(count: int) -> None:
    wide, narrow, both = pair()
    both.run(batch(2))
    both.settle()
    wide.batches.clear()
    narrow.batches.clear()
    (answer,) = both.run(batch(count))
    assert np.array_equal(answer, batch(count)[0] / 2)
    assert narrow.batches == [count // CORES] * (CORES if count >= CORES else 0)
    assert wide.batches == [count % CORES] * (count % CORES)


def test_a_lone_unit_gets_every_core_and_loads_nothing_more() -> None:
    wide = Halving()
    both = SideBySide(lambda: wide, lambda: pytest.fail("there was no need"), CORES)
    for _ in range(3):
        both.run(batch(1))
    both.release_memory()
    both.close()
    assert (wide.batches, wide.released, wide.closed) == ([1, 1, 1], 1, True)


def test_a_network_whose_bytes_would_differ_is_not_split(caplog: pytest.LogCaptureFixture) -> None:
    wide, narrow, both = pair(error=0.01)
    for _ in range(2):
        assert np.array_equal(both.run(batch(4))[0], batch(4)[0] / 2)
        both.settle()
    assert sorted(wide.batches) == [1, 4, 4]
    assert narrow.batches == [1]
    assert "would differ" in caplog.text


def test_a_network_that_may_not_be_loaded_twice_is_not_split() -> None:
    wide = Halving()
    both = SideBySide(lambda: wide, None, CORES)
    assert np.array_equal(both.run(batch(4))[0], batch(4)[0] / 2)
    assert wide.batches == [4]


def test_what_computes_has_a_lower_priority_than_who_waits() -> None:
    class Priority(Halving):
        def run(self, inputs: Unit) -> Unit:
            return (np.full(len(inputs[0]), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())),)

    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    both = SideBySide(Priority, Priority, CORES)
    for count in (1, 3):
        assert (both.run(batch(count))[0] == min(19, mine + NICENESS)).all()


def test_each_shape_is_compared() -> None:
    wide, narrow, both = pair()
    for height in (3, 3, 5, 3):
        both.run(batch(2, height))
        both.settle()
    # the first batch of a shape is computed on all cores, and then one of its units both ways
    assert (sorted(wide.batches), narrow.batches) == ([1, 1, 2, 2], [1, 1, 1, 1, 1, 1])


def test_no_batch_waits_until_the_network_is_loaded_once_more(caplog: pytest.LogCaptureFixture) -> None:
    wide, loading = Halving(), threading.Event()

    def never() -> Halving:
        loading.wait(10)
        raise MemoryError("there is no room for two")

    both = SideBySide(lambda: wide, never, CORES)
    for _ in range(2):
        assert np.array_equal(both.run(batch(4))[0], batch(4)[0] / 2)
    loading.set()
    both.settle()
    assert np.array_equal(both.run(batch(4))[0], batch(4)[0] / 2)
    assert wide.batches == [4, 4, 4]
    assert "no room for two" in caplog.text


def test_a_network_that_meets_every_shape_does_not_remember_them_all() -> None:
    _, narrow, both = pair()
    for height in range(1, MOST_SHAPES + 3):
        assert np.array_equal(both.run(batch(2, height))[0], batch(2, height)[0] / 2)
    both.settle()
    assert len(narrow.batches) == MOST_SHAPES


def test_a_unit_that_fails_leaves_nothing_running() -> None:
    _, narrow, both = pair()
    both.run(batch(2))
    both.settle()
    bad = batch(4)
    bad[0][0] = 255
    with pytest.raises(RuntimeError, match="white"):
        both.run(bad)
    assert narrow.running == 0
    assert np.array_equal(both.run(batch(4))[0], batch(4)[0] / 2)


def test_both_give_their_memory_back_and_are_closed() -> None:
    wide, narrow, both = pair()
    both.run(batch(2))
    both.settle()
    both.release_memory()
    both.close()
    assert (wide.released, narrow.released, wide.closed, narrow.closed) == (1, 1, True, True)
