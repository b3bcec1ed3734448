"""From a rate of arrivals and a promise to machines, queues and timeouts; every answer is backed by a simulation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from perf.plan.device import Device
from perf.plan.jobs import NETWORK, Kind
from perf.plan.simulate import Machine, Result, open_loop

LOST = 0.01
"""Share of callers that may be refused, or stopped at their deadline, at the planned rate."""
JOBS = 2000
"""Arrivals that a simulation sees."""
MOST_MACHINES = 10_000
FULLEST = 0.7
"""Share of the codec threads' time that is planned for: arrivals come in bunches."""
PIXELS_A_THREAD = 125_000_000
"""Bytes of pixels in work for each codec thread: with fewer, large pictures wait although threads are free."""
LEAST_QUEUE = 8
"""Requests in Triton's queue: fewer would refuse bursts that an idle machine could take."""


@dataclass(frozen=True)
class Cost:
    """What the mean picture of a mix takes, seconds."""

    device_s: float
    """In full batches."""
    codec_s: float
    """On one thread."""


@dataclass(frozen=True)
class Plan:
    """What to set, and what came of it in simulated time."""

    machines: int
    machine: Machine
    capacity: float
    """Pictures a second that one machine can do at most."""
    max_queue_size: int
    slo_s: float
    backing: Result
    """Of one machine at its share of the rate."""


def cost(machine: Machine, kinds: Sequence[Kind]) -> Cost:
    """Of the mean picture."""
    total = sum(kind.share for kind in kinds)
    device = codec = 0.0
    host, on = machine.host, Device(machine.curve, machine.engine)
    for kind in kinds:
        part = kind.share / total
        for shape, count in kind.tiles.items():
            device += part * count * (on.full_unit_s(shape) + host.batch_s / on.batch_limit(NETWORK, shape))
            codec += part * count * shape[0] * shape[1] * kind.scale**2 * host.place_s
        codec += part * (kind.pixels_in * host.decode_s + kind.pixels_out * host.encode_s + host.job_s)
    return Cost(device, codec)


def capacity(machine: Machine, kinds: Sequence[Kind]) -> float:
    """Pictures a second at most: the device's or the codecs', whichever ends first."""
    each = cost(machine, kinds)
    return min(1 / each.device_s, machine.host.codec_threads * machine.instances / each.codec_s)


def with_threads(machine: Machine, threads: int) -> Machine:
    """The machine with so many codec threads, and the pixel budget that keeps them busy."""
    budget = max(machine.engine.pixel_bytes, threads * PIXELS_A_THREAD)
    return replace(
        machine,
        host=replace(machine.host, codec_threads=threads),
        engine=machine.engine.model_copy(update={"pixel_bytes": budget}),
    )


def threads_for(machine: Machine, kinds: Sequence[Kind], rate: float, cores: int) -> int:
    """Codec threads that keep up with `rate` pictures a second; at most `cores`, at least as many as there are."""
    wanted = math.ceil(rate * cost(machine, kinds).codec_s / FULLEST)
    return max(machine.host.codec_threads, min(cores, wanted))


def simulated(machine: Machine, kinds: Sequence[Kind], rate: float, slo_s: float) -> Result:
    """One machine at `rate` pictures a second, for JOBS arrivals."""
    return open_loop(machine, kinds, rate, JOBS / rate, slo_s)


def keeps(result: Result, slo_s: float) -> bool:
    """Whether a promise of `slo_s` holds: for 99 of 100 callers."""
    return result.lost <= LOST and result.p99_s <= slo_s


def plan(machine: Machine, kinds: Sequence[Kind], rate: float, slo_s: float, cores: int) -> Plan:
    """The fewest machines that keep the promise. Raises ValueError when no number does."""
    full = with_threads(machine, max(cores, machine.host.codec_threads))
    alone = simulated(full, kinds, min(0.01 * capacity(full, kinds), rate), 3600.0)
    if alone.p99_s > slo_s:
        raise ValueError(
            f"A picture of this mix takes {alone.p99_s:.2f} s on an idle machine; the promise is {slo_s:g} s."
        )

    def sized(machines: int) -> Machine:
        return with_threads(machine, threads_for(machine, kinds, rate / machines, cores))

    def backing(machines: int) -> Result:
        return simulated(sized(machines), kinds, rate / machines, slo_s)

    too_few = math.ceil(rate / capacity(full, kinds)) - 1
    enough = too_few + 1
    while not keeps(result := backing(enough), slo_s):
        if enough > MOST_MACHINES:
            raise ValueError(f"{enough} machines do not keep {slo_s:g} s for 99 of 100 callers; give it more time.")
        too_few, enough = enough, enough + max(1, enough // 2)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        tried = backing(middle)
        if keeps(tried, slo_s):
            enough, result = middle, tried
        else:
            too_few = middle
    chosen = sized(enough)
    most = capacity(chosen, kinds)
    return Plan(enough, chosen, most, queue_size(most, slo_s, machine.engine.line_jobs), slo_s, result)


def queue_size(most: float, slo_s: float, line_jobs: int) -> int:
    """Triton's max_queue_size: who comes when the engine's line is full can be served in time only if so many go
    before; more would only wait for their refusal."""
    return max(LEAST_QUEUE, math.ceil(most * slo_s) - line_jobs)


def largest_rate(machine: Machine, kinds: Sequence[Kind], slo_s: float) -> tuple[float, Result]:
    """The highest rate at which one machine keeps the promise, to 2 %, and how it does there."""
    low, high = 0.0, 1.2 * capacity(machine, kinds)
    best = None
    while high - low > 0.02 * high:
        rate = (low + high) / 2
        result = simulated(machine, kinds, rate, slo_s)
        if keeps(result, slo_s):
            low, best = rate, result
        else:
            high = rate
    if best is None:
        raise ValueError(f"One machine cannot keep {slo_s:g} s at any rate.")
    return low, best
