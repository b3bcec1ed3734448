"""One, ten, a hundred A100s behind a load balancer, on paper."""

from collections.abc import Sequence
from typing import Any

from perf.plan.jobs import Kind
from perf.plan.simulate import Machine
from perf.plan.sizing import capacity, largest_rate, simulated, threads_for, with_threads

MACHINES = (1, 10, 100)
BYTES_A_PIXEL = 0.35
"""Of a JPEG of quality 90 to 95 (measured on the pictures of perf.load: 0.2 to 0.5)."""


def growth(machine: Machine, kinds: Sequence[Kind], slo_s: float, cores: int) -> list[dict[str, Any]]:
    """What so many machines do within `slo_s`, what is left when one fails, and what the balancer must carry.

    A balancer that spreads requests at random gives each machine Poisson arrivals; least connections, as
    deploy/ has it, can only be better. So n machines do n times what one does.
    """
    threads = threads_for(machine, kinds, capacity(with_threads(machine, cores), kinds), cores)
    one = with_threads(machine, threads)
    rate, _ = largest_rate(one, kinds, slo_s)
    total = sum(kind.share for kind in kinds)
    size = sum(kind.share / total * BYTES_A_PIXEL * (kind.pixels_in + kind.pixels_out) for kind in kinds)
    rows = []
    for machines in MACHINES:
        row: dict[str, Any] = {
            "A100s": machines,
            "pictures/s": machines * rate,
            "a day (millions)": machines * rate * 86_400 / 1e6,
            "through the balancer (Gbit/s)": machines * rate * size * 8 / 1e9,
        }
        if machines > 1:
            down = simulated(one, kinds, rate * machines / (machines - 1), slo_s)
            row |= {"lost, one down (%)": 100 * down.lost, "p99, one down (s)": down.p99_s}
        else:
            row |= {"lost, one down (%)": 100.0, "p99, one down (s)": "none serves"}
        rows.append(row)
    return rows
