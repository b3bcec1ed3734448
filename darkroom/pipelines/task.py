"""What a task is: its options, its price, its recipe."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

from darkroom.bands import Source, Target
from darkroom.codec import Header, Image
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
    """What `run` holds besides the decoded and the produced picture; all that `run_banded` holds of both."""
    decodes: int = 1
    """Times that the picture is decoded."""
    bands: int = 1
    """Parts in which it is read, computed and written; decoding and encoding of all but one overlap the device."""


@dataclass(frozen=True)
class Task(Generic[OptionsT]):
    """One task model. To add one: write its options, its price and its recipe (`run` or `run_banded`), a model folder
    and an export recipe."""

    name: str
    options: type[OptionsT]
    estimate: Callable[[ModelVersion, Header, OptionsT], Estimate]
    """Price a request from its header and options; `header.bits` are those that it will be computed in. Raises
    BadOptionError for what this version cannot do."""
    run: Callable[[Job, ModelVersion, Image, OptionsT], Awaitable[Image]] | None = None
    """The recipe for whole pictures of 8 bits. Runs on the event loop: anything slow goes through the job (`run`,
    `map`, `in_pool`)."""
    warm_up: Callable[[ModelVersion], list[tuple[Network, Unit]]] = lambda version: []
    """Units to run at start, so that the first request finds warm networks and known costs."""
    run_banded: Callable[[Job, ModelVersion, Source, Target, OptionsT], Awaitable[None]] | None = None
    """The recipe for pictures of any size, read and written a band of rows at a time; used instead of `run`. It reads
    `source` to its end and writes every row of `target`."""
    network: Callable[[ModelVersion, OptionsT], Network] | None = None
    """The network for 8-bit samples, of a task that also computes in 16 bits where its version has the twin."""


def choose_network(version: ModelVersion, name: str, option: str = "network") -> Network:
    """The version's network of that name, or BadOptionError naming those it has."""
    if name not in version.choices:
        raise BadOptionError(f"{option} must be one of {', '.join(version.choices)}, got {quoted(name)}.")
    return version.networks[name]
