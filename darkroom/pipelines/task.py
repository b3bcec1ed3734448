"""What a task is: its options, its price, its recipe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

from darkroom.codec import Header, Image, Reader, Writer
from darkroom.engine import Job, Work
from darkroom.errors import BadOptionError, quoted
from darkroom.network import Network, Unit
from darkroom.options import OptionsT
from darkroom.version import ModelVersion


@dataclass(frozen=True)
class Estimate:
    """What a request will need, known from its header and options."""

    work: tuple[Work, ...]
    width: int
    height: int
    """Of the picture that comes out, pixels."""
    scratch_bytes: int = 0
    """What the pipeline holds besides the decoded and the produced picture."""


@dataclass(frozen=True)
class Task(Generic[OptionsT]):
    """One task model. To add one: write these three, a model folder and an export recipe."""

    name: str
    options: type[OptionsT]
    estimate: Callable[[ModelVersion, Header, OptionsT], Estimate]
    """Price a request from its header and options. Raises BadOptionError for what this version cannot do."""
    run: Callable[[Job, ModelVersion, Image, OptionsT], Awaitable[Image]]
    """The recipe. Runs on the event loop: anything slow goes through the job (`run`, `map`, `in_pool`)."""
    warm_up: Callable[[ModelVersion], list[tuple[Network, Unit]]] = lambda version: []
    """Units to run at start, so that the first request finds warm networks and known costs."""
    run_banded: Callable[[Job, ModelVersion, Reader, Writer, OptionsT], Awaitable[None]] | None = None
    """The recipe for pictures of any size, read and written a band of rows at a time; used instead of `run`."""


def choose_network(version: ModelVersion, name: str, option: str = "network") -> Network:
    """The version's network of that name, or BadOptionError naming those it has."""
    own = {name: network for name, network in version.networks.items() if network.record.bits == 8}
    network = own.get(name)
    if network is None:
        raise BadOptionError(f"{option} must be one of {', '.join(sorted(own))}, got {quoted(name)}.")
    return network
