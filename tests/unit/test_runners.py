"""A runner that is opened by its first run."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from darkroom.network import Releasing, Unit
from darkroom.runners import LazyRunner


class Fake:
    def __init__(self) -> None:
        self.closed = self.released = 0

    def run(self, inputs: Unit) -> Unit:
        return inputs

    def close(self) -> None:
        self.closed += 1

    def release_memory(self) -> None:
        self.released += 1


def test_two_first_runs_open_it_once() -> None:
    opened: list[Fake] = []
    meeting = threading.Barrier(2, timeout=10)

    def open_it() -> Fake:
        opened.append(Fake())
        return opened[-1]

    lazy = LazyRunner(open_it)
    assert not opened

    def run(value: int) -> int:
        meeting.wait()
        return int(lazy.run((np.array([value]),))[0][0])

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, (3, 4))) == [3, 4]
    lazy.release_memory()
    lazy.close()
    assert [(fake.released, fake.closed) for fake in opened] == [(1, 1)]


def test_one_that_never_ran_has_nothing_to_give_back() -> None:
    lazy = LazyRunner(Fake)
    assert isinstance(lazy, Releasing)
    lazy.release_memory()
    lazy.close()
