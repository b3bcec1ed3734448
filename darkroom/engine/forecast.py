"""When will a job be done? Fluid forecasts of how jobs share the device: the basis of quotes, promises and refusals.
Pure, and of plain lists: under overload hundreds of jobs are looked through for every refusal, and an array operation
that lets go of the interpreter waits longer to get it back than a loop over them takes.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from darkroom.engine.fair import BEHIND, LANE_WEIGHTS, Lane


class Loads(NamedTuple):
    """What admitted jobs still want of the device: an entry a job, in the order of their admission."""

    lanes: list[Lane]
    remaining_s: list[float]
    """Device seconds in well-filled batches."""

    def and_one(self, lane: Lane, remaining_s: float) -> "Loads":
        """And a newcomer, which comes last."""
        return Loads([*self.lanes, lane], [*self.remaining_s, remaining_s])


def finish_times(loads: Loads) -> list[float]:
    """Seconds from now until each load is served, when lanes share the device by weight and jobs share their lane
    evenly (generalised processor sharing: Parekh and Gallager, 1993), and nobody else comes. O(n log n)."""
    if len(set(loads.lanes)) <= 1:
        return _evenly(loads.remaining_s)
    served = [0.0] * len(loads.lanes)
    for lane in LANE_WEIGHTS:
        places = [place for place, other in enumerate(loads.lanes) if other == lane]
        for place, seconds in zip(places, _evenly([loads.remaining_s[place] for place in places]), strict=True):
            served[place] = seconds
    return _among_lanes(loads, served)


def in_order(loads: Loads) -> list[float]:
    """Seconds from now until each load is served, when every lane serves its jobs one after the other, the oldest
    first, and lanes share the device by weight."""
    if len(set(loads.lanes)) <= 1:
        return list(itertools.accumulate(loads.remaining_s))
    served, so_far = [], dict.fromkeys(LANE_WEIGHTS, 0.0)
    for lane, seconds in zip(*loads, strict=True):
        so_far[lane] += seconds
        served.append(so_far[lane])
    return _among_lanes(loads, served)


def done_times(fair: Sequence[float], ordered: Sequence[float]) -> list[float]:
    """Seconds from now until each load is served, when for each batch of the fair share's BEHIND are the oldest's
    (FairLine.next_key): the harmonic mean of `finish_times` and `in_order`, weighted by their parts of the device."""
    old, both = float(BEHIND), 1.0 + BEHIND  # looked up once, for hundreds of jobs a refusal
    return [both * f * o / (old * f + o) if f > 0 else 0.0 for f, o in zip(fair, ordered, strict=True)]


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


def _evenly(remaining_s: Sequence[float]) -> list[float]:
    """What a lane must have had when each of its jobs is served: the k-th smallest of n is served when all smaller ones
    are and all larger ones have had as much."""
    served = [0.0] * len(remaining_s)
    smaller_s, as_large = 0.0, len(remaining_s)
    for place in sorted(range(len(remaining_s)), key=remaining_s.__getitem__):
        seconds = remaining_s[place]
        served[place] = smaller_s + as_large * seconds
        smaller_s += seconds
        as_large -= 1
    return served


def _among_lanes(loads: Loads, served: Sequence[float]) -> list[float]:
    """Seconds until each load's lane has been `served` so much: meanwhile every other lane has had as much by its
    weight, or all that it wants."""
    wanted = dict.fromkeys(LANE_WEIGHTS, 0.0)
    for lane, seconds in zip(*loads, strict=True):
        wanted[lane] += seconds
    shares = {
        lane: [(wanted[other], LANE_WEIGHTS[other] / weight) for other in LANE_WEIGHTS if other != lane]
        for lane, weight in LANE_WEIGHTS.items()
    }
    return [
        own + sum(min(most, own * share) for most, share in shares[lane])
        for lane, own in zip(loads.lanes, served, strict=True)
    ]
