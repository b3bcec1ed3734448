"""Whose unit runs next: virtual time, lanes and promises. Pure bookkeeping, no threads, no clock of its own.

Virtual time is the device seconds a job has had. The job goes first that will have had least with its next unit, so
that a job of one unit passes a job of a thousand as soon as both are in line, and a small unit a large one. The scheme
is weighted fair queueing (a newcomer starts at the clock of a fluid fair queue: Demers, Keshav and Shenker, 1989), so
that an endless stream of newcomers cannot hold an older job back, with one change: three of four batches are led by
the jobs that are behind, which are those that would be done by now, or are about to be, if the oldest had gone first.
So a quarter of the device is for the small and the rest for the old, and at worst a job takes about a third longer than
first come, first served would take. What those who are behind are given does not move the fluid queue's clock: else a
newcomer would come after everybody whom they keep waiting.

Lanes share the device by weight first, jobs share their lane evenly second. With interactive 4 and bulk 1, bulk work
keeps at least a fifth of the device however many interactive jobs are in line.
"""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Lane = Literal["interactive", "bulk"]
LANE_WEIGHTS: dict[Lane, float] = {"interactive": 4.0, "bulk": 1.0}

BEHIND = 3
"""After so many turns of whoever is most behind comes one of the fair share's first. With one, callers who come back
when a refusal says waited half as long again for their large photos; with four, small jobs wait longer for nothing."""

CallT = TypeVar("CallT")
KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(eq=False)
class Share(Generic[CallT, KeyT]):
    """One job's place in line: what it has had, and the calls it waits for, by batch key."""

    lane: Lane
    age: int
    """Place in the order of arrival: the older job wins a tie."""
    virtual_time: float | None = None
    """Device seconds charged so far, on the clock of its lane; None before its first call."""
    latest_start: float | None = None
    """Clock time (the caller's clock) at which the job must be running, or it is behind."""
    calls: dict[KeyT, deque[tuple[int, CallT]]] = field(default_factory=dict)


class _LaneClock:
    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.virtual_time = 0.0
        """Device seconds the lane has had, divided by its weight."""
        self.clock = 0.0
        """Virtual time of a fluid fair queue of this lane's jobs: where a newcomer starts."""
        self.waiting = 0
        """Jobs of this lane in line."""


class FairLine(Generic[CallT, KeyT]):
    """The calls of all jobs that wait for one device. Not thread-safe: the device guards it with its lock."""

    def __init__(self) -> None:
        self._lanes = {lane: _LaneClock(weight) for lane, weight in LANE_WEIGHTS.items()}
        self._waiting: dict[Share[CallT, KeyT], None] = {}
        self._order = itertools.count()
        self._unit_s: dict[KeyT, float] = {}
        """Device seconds of one unit, as last charged."""
        self._by_promise = False
        """Whether endangered jobs lead this batch."""
        self._led = 0
        """Batches that they have led one after the other, at most BEHIND: a promise given on an idle device must not
        shut out all who come later."""
        self.length = 0
        """Calls in line."""

    def join(self, lane: Lane) -> Share[CallT, KeyT]:
        """A newcomer's share. Its virtual time begins with its first call."""
        return Share(lane, age=next(self._order))

    def push(self, share: Share[CallT, KeyT], key: KeyT, call: CallT) -> None:
        """Put one call in line. `key` names what may run together: one network, one shape."""
        if share not in self._waiting:
            if not self._lanes[share.lane].waiting:
                self._wake_lane(share.lane)
            self._start(share)
            self._waiting[share] = None
            self._lanes[share.lane].waiting += 1
        share.calls.setdefault(key, deque()).append((next(self._order), call))
        self.length += 1

    def drop(self, share: Share[CallT, KeyT]) -> list[CallT]:
        """Take every call of one job out of the line and return them."""
        dropped = [call for calls in share.calls.values() for _, call in calls]
        share.calls.clear()
        if share in self._waiting:
            self._leave(share)
        self.length -= len(dropped)
        return dropped

    def next_key(self, now: float) -> KeyT | None:
        """The batch key of the call that should run first; None when nothing waits."""
        if not self._waiting:
            return None
        endangered = [share for share in self._waiting if is_endangered(share, now)]
        self._by_promise = bool(endangered) and self._led < BEHIND
        self._led = self._led + 1 if self._by_promise else 0
        share = min(endangered, key=promise_order) if self._by_promise else self._fairest()
        return _next_key(share)

    def take(self, key: KeyT, limit: int, unit_s: float, now: float) -> list[tuple[Share[CallT, KeyT], CallT]]:
        """Take up to `limit` calls of `key`, fairest first, each charged `unit_s` device seconds."""
        taken: list[tuple[Share[CallT, KeyT], CallT]] = []
        self._unit_s[key] = unit_s
        # a heap a lane, for a charge moves every job of its lane alike: what it changes is which lane is next
        heaps: dict[Lane | None, list[tuple[float, int, Share[CallT, KeyT]]]] = {}
        for share in self._waiting:
            if key in share.calls:
                leads = self._by_promise and is_endangered(share, now)
                group = None if leads else share.lane
                heaps.setdefault(group, []).append(_entry(share, group))
        for heap in heaps.values():
            heapq.heapify(heap)
        while heaps and len(taken) < limit:
            lane = min(heaps, key=lambda lane: (self._clock(lane), heaps[lane][0]))
            *_, share = heapq.heappop(heaps[lane])
            calls = share.calls[key]
            _, call = calls.popleft()
            taken.append((share, call))
            self.length -= 1
            self.charge(share, unit_s, by_share=lane is not None)
            if calls:
                heapq.heappush(heaps[lane], _entry(share, lane))
            else:
                del share.calls[key]
                if not share.calls:
                    self._leave(share)
                if not heaps[lane]:
                    del heaps[lane]
        return taken

    def charge(self, share: Share[CallT, KeyT], seconds: float, *, by_share: bool = True) -> None:
        """Book device seconds on a job and its lane (negative to give some back). `by_share`: they were its share, not
        for being behind, and the lane's fluid clock goes on by them. What a batch that is not full costs more is booked
        so for all in it: who led is not known any more."""
        share.virtual_time = (share.virtual_time or 0.0) + seconds
        lane = self._lanes[share.lane]
        lane.virtual_time += seconds / lane.weight
        if by_share:
            lane.clock += seconds / max(1, lane.waiting)

    def _clock(self, lane: Lane | None) -> float:
        """What a lane has had; those that lead (None) come before all."""
        return self._lanes[lane].virtual_time if lane else -math.inf

    def _leave(self, share: Share[CallT, KeyT]) -> None:
        del self._waiting[share]
        self._lanes[share.lane].waiting -= 1

    def _fairest(self) -> Share[CallT, KeyT]:
        """Of those in line, the job that will have had least with its next unit, in the lane that has had least."""
        of_lanes = [
            min((share for share in self._waiting if share.lane == lane), key=self._finish_order)
            for lane, clock in self._lanes.items()
            if clock.waiting
        ]
        return min(of_lanes, key=lambda share: (self._lanes[share.lane].virtual_time, *self._finish_order(share)))

    def _finish_order(self, share: Share[CallT, KeyT]) -> tuple[float, int]:
        # a unit of a kind that never ran counts as nothing: it runs, and then its time is known
        return ((share.virtual_time or 0.0) + self._unit_s.get(_next_key(share), 0.0), share.age)

    def _start(self, share: Share[CallT, KeyT]) -> None:
        """Set the virtual time of a job that comes (back) into line: no credit for time it did not want the device."""
        lane = self._lanes[share.lane]
        others = [other for other in self._waiting if other.lane == share.lane]
        times = [other.virtual_time or 0.0 for other in others]
        if times:
            # jobs that left early pull the fluid clock away from those who stay: it may lead them by their next unit
            lane.clock = min(max(lane.clock, min(times)), max(self._finish_order(other)[0] for other in others))
        if share.virtual_time is None:
            share.virtual_time = lane.clock
        else:
            share.virtual_time = max(share.virtual_time, min(times, default=share.virtual_time))

    def _wake_lane(self, name: Lane) -> None:
        """A lane that was idle starts level with the busiest other lane: no credit for idle time."""
        others = [clock.virtual_time for lane, clock in self._lanes.items() if clock.waiting and lane != name]
        if others:
            self._lanes[name].virtual_time = max(self._lanes[name].virtual_time, min(others))


def _entry(share: Share[CallT, KeyT], lane: Lane | None) -> tuple[float, int, Share[CallT, KeyT]]:
    """A job in the heap of its lane, or of those that lead (None)."""
    return (*(_time_order if lane else promise_order)(share), share)


def _next_key(share: Share[CallT, KeyT]) -> KeyT:
    """The batch key of the call that a job has waited for longest."""
    return min(share.calls, key=lambda key: share.calls[key][0][0])


def promise_order(share: Share[CallT, KeyT]) -> tuple[float, int]:
    """Of those that are endangered: who is so for longest goes first."""
    return (share.latest_start or 0.0, share.age)


def _time_order(share: Share[CallT, KeyT]) -> tuple[float, int]:
    return (share.virtual_time or 0.0, share.age)


def is_endangered(share: Share[CallT, KeyT], now: float) -> bool:
    """Whether a job is behind, or about to be, at `now` (the clock of `latest_start`)."""
    return share.latest_start is not None and share.latest_start <= now
