"""What is measured: ready-made sets of points for a laptop, for the simulated device, for an A100."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

Protocol = Literal["grpc", "http"]


@dataclass(frozen=True)
class Point:
    """One run of perf_analyzer: pictures of one size, sent in one way under one load."""

    task: str
    width: int
    height: int
    protocol: Protocol
    concurrency: int = 0
    """Requests kept under way; 0 where `rate` is set."""
    rate: float = 0.0
    """Requests a second, Poisson."""

    @property
    def load(self) -> str:
        return f"{self.concurrency} at once" if self.concurrency else f"{self.rate:g}/s"


@dataclass(frozen=True)
class Profile:
    """The points of a kind of machine, and the server they want."""

    config_name: str
    """Of the model configurations: cpu, simulated or a100."""
    simulate: str
    """DARKROOM_SIMULATE; empty where networks are computed."""
    tasks: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    protocols: tuple[Protocol, ...]
    concurrencies: tuple[int, ...]
    rates: tuple[float, ...]
    """Below what the machine can do: perf_analyzer ends at the first refusal."""
    requests: int
    """Measured at each point, and a multiple of the requests under way at that."""


PROFILES = {
    "laptop": Profile(
        config_name="cpu",
        simulate="",
        tasks=("super_resolution", "denoise"),
        sizes=((128, 128), (256, 256)),
        protocols=("grpc", "http"),
        concurrencies=(1, 2, 4),
        rates=(0.5, 1.0),
        requests=8,
    ),
    "simulated": Profile(
        config_name="simulated",
        simulate="40,2",
        tasks=("super_resolution", "denoise"),
        sizes=((128, 128), (256, 256), (384, 384)),
        protocols=("grpc", "http"),
        concurrencies=(1, 4, 16, 32),
        rates=(10.0, 20.0),
        requests=64,
    ),
    "a100": Profile(
        config_name="a100",
        simulate="",
        tasks=("super_resolution", "denoise"),
        sizes=((256, 256), (512, 512), (1024, 1024), (2000, 1500)),
        protocols=("grpc", "http"),
        concurrencies=(1, 4, 16, 32, 64),
        rates=(5.0, 10.0, 20.0),
        requests=200,
    ),
}


def points(
    profile: Profile,
    tasks: Sequence[str] = (),
    sizes: Sequence[tuple[int, int]] = (),
    protocols: Sequence[Protocol] = (),
    concurrencies: Sequence[int] = (),
    rates: Sequence[float] = (),
) -> list[Point]:
    """Every combination; what is empty is the profile's, except that loads of one kind put off those of the other."""
    if not concurrencies and not rates:
        concurrencies, rates = profile.concurrencies, profile.rates
    loads = [(count, 0.0) for count in concurrencies] + [(0, rate) for rate in rates]
    combined = product(tasks or profile.tasks, sizes or profile.sizes, protocols or profile.protocols, loads)
    return [Point(task, *size, protocol, *load) for task, size, protocol, load in combined]
