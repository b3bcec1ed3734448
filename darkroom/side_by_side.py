"""A batch on a CPU: its units side by side, a core each, behind everything that waits for an answer.

Cores that share one unit wait for each other at every layer, and for whichever of them had to do something else. With a
unit each they do not: measured 20 % more units a second in fp32 by onnxruntime, 2 to 4 % in half precision by OpenVINO.
A unit that comes alone still gets every core.

Networks compute in threads of lower priority: two that have all cores would make refusals, the event loop and the next
batch wait for them, and with the interpreter's lock in its hands a waiting thread holds up all others.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from darkroom.engine.threads import be_nice
from darkroom.network import Releasing, Runner, Unit

log = logging.getLogger("darkroom")

NICENESS = 4
"""Of the threads that compute: between the codecs of small pictures and those of large ones."""
MOST_SHAPES = 64
"""So many shapes of units are compared; a detector, which meets pictures of every size, is not split beyond."""


class SideBySide:
    """Runs batches from one thread at a time, as a device's stream does."""

    def __init__(self, open_wide: Callable[[], Runner], open_narrow: Callable[[], Runner] | None, cores: int) -> None:
        """`open_wide()`: loads the network, to compute on all `cores`; raises what it raises. `open_narrow()`: loads it
        so that `cores` threads can run it at once, on a core each; called after the first batch that is large enough,
        for it takes its time and memory, and beside those that follow. None: batches are never split."""
        self._pool = ThreadPoolExecutor(cores, "darkroom-core", be_nice, (NICENESS,))
        # threads that the runtimes start have the priority of the thread that starts them
        self._wide = self._pool.submit(open_wide).result()
        self._open_narrow = open_narrow
        self._narrow: Runner | None = None
        self._cores = cores
        self._same: dict[tuple[tuple[int, ...], ...], bool] = {}
        """By the shapes of a unit: whether it is known to get the same bytes either way. A picture must not depend on
        what else is in its batch."""
        self._turn = threading.Lock()
        self._comparing = ThreadPoolExecutor(1, "darkroom-compare", be_nice, (NICENESS,))

    def run(self, inputs: Unit) -> Unit:
        """Arrays with the batch axis in, arrays with the batch axis out. Raises what its runners raise."""
        with self._turn:
            count = len(inputs[0])
            even = count - count % self._cores
            if not even or self._cores == 1 or not self._is_same(inputs) or (narrow := self._narrow) is None:
                return self._compute(self._wide, inputs)
            share = even // self._cores
            running = [
                self._pool.submit(narrow.run, _part(inputs, first, first + share)) for first in range(0, even, share)
            ]
            wait(running)
            outputs = [each.result() for each in running]
            if even < count:
                outputs.append(self._compute(self._wide, _part(inputs, even, count)))
            return tuple(np.concatenate(parts) for parts in zip(*outputs, strict=True))

    def release_memory(self) -> None:
        """Give back what the last batches worked in. Does nothing during a run."""
        if self._turn.acquire(blocking=False):
            try:
                for runner in (self._wide, self._narrow):
                    if isinstance(runner, Releasing):
                        runner.release_memory()
            finally:
                self._turn.release()

    def settle(self) -> None:
        """Wait until what was to be loaded and compared has been."""
        self._comparing.submit(int).result()

    def close(self) -> None:
        self._comparing.shutdown(cancel_futures=True)
        self._pool.shutdown()
        self._wide.close()
        if self._narrow is not None:
            self._narrow.close()

    def _compute(self, runner: Runner, inputs: Unit) -> Unit:
        return self._pool.submit(runner.run, inputs).result()

    def _is_same(self, inputs: Unit) -> bool:
        if self._open_narrow is None:
            return False
        shapes = tuple(array.shape[1:] for array in inputs)
        if shapes not in self._same and len(self._same) < MOST_SHAPES:
            self._same[shapes] = False
            unit = tuple(array.copy() for array in _part(inputs, 0, 1))
            self._comparing.submit(self._compare, shapes, unit, self._open_narrow)
        return self._same.get(shapes, False)

    def _compare(self, shapes: tuple[tuple[int, ...], ...], unit: Unit, open_narrow: Callable[[], Runner]) -> None:
        try:
            narrow = self._narrow or open_narrow()
            pairs = zip(self._wide.run(unit), narrow.run(unit), strict=True)
            self._same[shapes] = all(np.array_equal(wide, narrow) for wide, narrow in pairs)
            self._narrow = narrow
        except Exception as error:  # all cores can still compute it
            log.warning("units of %s are not computed side by side: %s", shapes, error)
        else:
            if not self._same[shapes]:
                log.warning("units of %s are not computed side by side: their bytes would differ", shapes)


def _part(inputs: Unit, first: int, end: int) -> Unit:
    return tuple(array[first:end] for array in inputs)
