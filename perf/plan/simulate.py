"""Loads on a simulated machine: callers in a closed loop, or arrivals at random. Deterministic for a seed."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from darkroom.config import EngineConfig
from perf.plan.curves import Curve
from perf.plan.events import Clock, Job, Turns
from perf.plan.jobs import Host, Kind
from perf.plan.machine import Instance


@dataclass(frozen=True)
class Machine:
    """One device and its host. `instances`: engine processes that take turns on the device."""

    curve: Curve
    engine: EngineConfig = field(default_factory=EngineConfig)
    host: Host = field(default_factory=Host)
    instances: int = 1


@dataclass(frozen=True)
class Result:
    """What callers saw, and how busy the machine was."""

    offered: int
    served: int
    late: int
    """Admitted, and stopped at their deadline."""
    seconds: float
    """Simulated, from the first arrival to the last answer."""
    p50_s: float
    p99_s: float
    by_kind: dict[str, tuple[float, float]]
    """p50 and p99 of each kind of picture, seconds."""
    device_busy: float
    codecs_busy: float
    """Shares of the time, 0 to 1."""
    units_a_batch: float
    most_in_house: int

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.served / self.seconds if self.seconds else 0.0

    @property
    def refused(self) -> float:
        """Share of the offered that was refused at once, 0 to 1."""
        return 1 - (self.served + self.late) / self.offered if self.offered else 0.0

    @property
    def lost(self) -> float:
        """Share of the offered that got no picture, 0 to 1."""
        return 1 - self.served / self.offered if self.offered else 0.0


class _Run:
    def __init__(self, machine: Machine) -> None:
        self.clock = Clock()
        self.machine = machine
        self.turns = Turns()
        self._instances = [
            Instance(self.clock, self.turns, machine.curve, machine.engine, machine.host)
            for _ in range(machine.instances)
        ]
        for instance in self._instances:
            instance.neighbours = [other for other in self._instances if other is not instance]
        self._next = 0
        self.ended: list[Job] = []
        self.in_house = self.most_in_house = self.offered = 0

    def submit(self, kind: Kind, deadline_s: float) -> None:
        self.offered += 1
        self.in_house += 1
        self.most_in_house = max(self.most_in_house, self.in_house)
        # Triton hands requests to its instances in turn, since execute() returns at once
        instance = self._instances[self._next % len(self._instances)]
        self._next += 1
        instance.submit(kind, deadline_s, self._done)

    def _done(self, job: Job) -> None:
        self.in_house -= 1
        self.ended.append(job)
        self.on_done(job)

    def on_done(self, job: Job) -> None:
        """A caller has its answer."""

    def result(self) -> Result:
        good = [job for job in self.ended if not job.refused and not job.late]
        seconds = max((job.ended for job in good), default=0.0)
        threads = self.machine.host.codec_threads * len(self._instances)
        codecs = sum(instance.codec_busy_s for instance in self._instances)
        return Result(
            offered=self.offered,
            served=len(good),
            late=sum(job.late for job in self.ended),
            seconds=seconds,
            p50_s=_percentile(good, 50),
            p99_s=_percentile(good, 99),
            by_kind={
                kind.name: (_percentile(mine, 50), _percentile(mine, 99))
                for kind in {job.kind.name: job.kind for job in good}.values()
                if (mine := [job for job in good if job.kind is kind])
            },
            device_busy=self.turns.busy_s / seconds if seconds else 0.0,
            codecs_busy=codecs / threads / seconds if seconds else 0.0,
            units_a_batch=self.turns.units / max(1, self.turns.batches),
            most_in_house=self.most_in_house,
        )


class _ClosedRun(_Run):
    """Every answer lets its caller send the next picture."""

    left: deque[Kind]

    def on_done(self, job: Job) -> None:
        if self.left:
            self.clock.after(0.0, partial(self.submit, self.left.popleft(), job.deadline_s))


def closed_loop(
    machine: Machine, kinds: Sequence[Kind], callers: int, jobs: int, deadline_s: float = 120.0, seed: int = 1
) -> Result:
    """`jobs` pictures of the mix by `callers` callers, each sending the next when its last was answered."""
    return replay_closed(machine, draw(kinds, jobs, seed), callers, deadline_s)


def replay_closed(machine: Machine, pictures: Sequence[Kind], callers: int, deadline_s: float) -> Result:
    """These pictures, in this order, by `callers` callers."""
    run = _ClosedRun(machine)
    run.left = deque(pictures)
    for _ in range(min(callers, len(pictures))):
        run.clock.after(0.0, partial(run.submit, run.left.popleft(), deadline_s))
    run.clock.run()
    return run.result()


def open_loop(
    machine: Machine, kinds: Sequence[Kind], rate: float, seconds: float, deadline_s: float, seed: int = 1
) -> Result:
    """Poisson arrivals of the mix, `rate` a second for `seconds`."""
    rng = random.Random(seed)
    times: list[float] = []
    while (time := (times[-1] if times else 0.0) + rng.expovariate(rate)) < seconds:
        times.append(time)
    # of the same generator: another one of this seed would tie each picture to the gap before it
    pictures = rng.choices(kinds, [kind.share for kind in kinds], k=len(times))
    return replay_open(machine, times, pictures, deadline_s)


def replay_open(machine: Machine, times: Sequence[float], pictures: Sequence[Kind], deadline_s: float) -> Result:
    """These pictures, each at its time."""
    run = _Run(machine)
    for time, picture in zip(times, pictures, strict=True):
        run.clock.after(time, partial(run.submit, picture, deadline_s))
    run.clock.run()
    return run.result()


def draw(kinds: Sequence[Kind], count: int, seed: int) -> list[Kind]:
    """`count` pictures of the mix."""
    return random.Random(seed).choices(kinds, [kind.share for kind in kinds], k=count)


def _percentile(jobs: Sequence[Job], q: float) -> float:
    return float(np.percentile([job.seconds for job in jobs], q)) if jobs else float("nan")
