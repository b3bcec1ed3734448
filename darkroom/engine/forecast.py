"""When will a job be done? Fluid forecasts of how jobs share the device: the basis of quotes, promises and refusals.
Pure. Loads come in the order of their admission, the oldest first.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from darkroom.engine.fair import LANE_WEIGHTS, Lane


class Load(NamedTuple):
    """What one admitted job still wants of the device. A tuple, since every refusal makes one of every job."""

    lane: Lane
    remaining_s: float
    """Device seconds in well-filled batches."""


def finish_times(loads: Sequence[Load]) -> list[float]:
    """Seconds from now until each load is served, when lanes share the device by weight and jobs share their lane
    evenly (generalised processor sharing: Parekh and Gallager, 1993), and nobody else comes. O(n log n)."""
    if len({load.lane for load in loads}) <= 1:
        return _one_lane(np.array([load.remaining_s for load in loads]))
    finish = [0.0] * len(loads)
    queues: dict[Lane, list[int]] = {lane: [] for lane in LANE_WEIGHTS}
    for i in sorted(range(len(loads)), key=lambda i: -loads[i].remaining_s):
        queues[loads[i].lane].append(i)  # smallest last
    served = dict.fromkeys(queues, 0.0)  # device seconds each job of a lane has had
    time = 0.0
    while active := [lane for lane, queue in queues.items() if queue]:
        weight = sum(LANE_WEIGHTS[lane] for lane in active)
        rates = {lane: LANE_WEIGHTS[lane] / weight / len(queues[lane]) for lane in active}
        step, first = min(((loads[queues[lane][-1]].remaining_s - served[lane]) / rates[lane], lane) for lane in active)
        step = max(0.0, step)
        time += step
        for lane in active:
            served[lane] += step * rates[lane]
        finish[queues[first].pop()] = time
    return finish


def in_order(loads: Sequence[Load]) -> list[float]:
    """Seconds from now until each load is served, when every lane serves its jobs one after the other, the oldest
    first, and lanes share the device by weight."""
    if len({load.lane for load in loads}) <= 1:
        return list(itertools.accumulate(load.remaining_s for load in loads))
    work = {lane: sum(load.remaining_s for load in loads if load.lane == lane) for lane in LANE_WEIGHTS}
    served = dict.fromkeys(LANE_WEIGHTS, 0.0)
    finish = []
    for load in loads:
        served[load.lane] += load.remaining_s
        others = (
            min(work[lane], served[load.lane] * weight / LANE_WEIGHTS[load.lane])
            for lane, weight in LANE_WEIGHTS.items()
            if lane != load.lane
        )
        finish.append(served[load.lane] + sum(others))
    return finish


def done_times(fair: Sequence[float], ordered: Sequence[float]) -> list[float]:
    """Seconds from now until each load is served, when every other batch is the fair share's and the rest is the
    oldest's (FairLine.next_key): the harmonic mean of `finish_times` and `in_order`, since either half of the device
    would need twice as long alone."""
    f, o = np.asarray(fair, float), np.asarray(ordered, float)
    result: list[float] = (2 * f * o / np.maximum(f + o, 1e-9)).tolist()
    return result


@dataclass(frozen=True)
class Neighbour:
    """Another process that takes turns with this one on the device."""

    backlog_s: float
    """Device seconds that it still wants."""
    batch_s: float
    """Device seconds of one of its turns."""


def in_turns(finish_s: float, batch_s: float, neighbours: Sequence[Neighbour]) -> float:
    """When something is done that would be after `finish_s` on a device of its own, in batches of `batch_s`, but has to
    take turns: before each of its batches every neighbour has one, until it has all that it wants."""
    turns = max(1.0, finish_s / batch_s) if batch_s > 0 else 1.0
    return finish_s + sum(min(neighbour.backlog_s, turns * neighbour.batch_s) for neighbour in neighbours)


def _one_lane(remaining: npt.NDArray[np.float64]) -> list[float]:
    """The same in closed form, for overload's sake: the k-th smallest of n ends when all smaller ones have, and all
    larger ones have had as much."""
    order = np.argsort(remaining, kind="stable")
    ascending = remaining[order]
    larger = np.arange(len(ascending))[::-1]
    finish = np.empty_like(ascending)
    finish[order] = np.cumsum(ascending) + larger * ascending
    result: list[float] = finish.tolist()
    return result
