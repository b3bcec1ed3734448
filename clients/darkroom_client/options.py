"""What may accompany an image: options that travel, and settings of the call itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict

import numpy as np

from darkroom_client.errors import BadOption
from darkroom_client.formats import OutputFormat
from darkroom_client.jobs import JobState
from darkroom_client.retry import Retry
from darkroom_client.wire import Parameter

Lane = Literal["interactive", "bulk"]

PRIORITY_OF_LANE = {"interactive": 1, "bulk": 2}
"""Triton's own priority level; invisible to the engine, which sees the option `lane`."""

# Names that Triton keeps for itself; tritonclient refuses them with a message about its internals.
_RESERVED = ("sequence_id", "sequence_start", "sequence_end", "priority", "timeout", "binary_data_output")


class CallOptions(TypedDict, total=False):
    """Keyword arguments that every task takes."""

    output_format: OutputFormat
    output_quality: int
    """1..100, for JPEG, WebP and AVIF."""
    metadata: Literal["keep", "no_location", "strip"]
    """What becomes of EXIF, XMP and IPTC; the server's default keeps them."""
    frame: int
    """0..9999: which frame of an animation, or page of a file with several, which are refused without it."""
    truncated: Literal["refuse", "accept"]
    """`accept`: a file that ends early is processed as far as it goes."""
    deadline_s: float
    """Seconds this call may take, retries included. Without it the server's default holds for each try."""
    lane: Lane
    """`interactive` goes first; `bulk` keeps a stated share."""
    request_id: str
    """The job's id for `watch` and `cancel`; made up when not given."""
    model_version: str | int
    """Which version of the model; the newest when not given."""
    on_progress: Callable[[JobState], None]
    """Called a few times a second while the job waits and runs."""
    retry: Retry
    """Replaces the client's own policy for this call."""
    headers: Mapping[str, str]
    """Travel with this call, over the client's own: `traceparent`, say."""


@dataclass(frozen=True)
class Settings:
    """How a call is made; never an option of the task."""

    deadline_s: float | None = None
    lane: Lane | None = None
    request_id: str | None = None
    model_version: str = ""
    on_progress: Callable[[JobState], None] | None = None
    retry: Retry = field(default_factory=Retry)
    headers: Mapping[str, str] = field(default_factory=dict)


_SETTINGS = frozenset(Settings.__dataclass_fields__)


def separate(given: Mapping[str, Any], defaults: Settings) -> tuple[Settings, dict[str, Parameter]]:
    """Keyword arguments -> (settings, options as they travel). None means "not given".

    Raises BadOption for what cannot travel; whether an option exists and its value is right is for the server to say.
    """
    present = {name: value for name, value in given.items() if value is not None}
    chosen = {name: value for name, value in present.items() if name in _SETTINGS}
    settings = replace(defaults, **chosen)
    _check(settings)
    if "model_version" in chosen:
        settings = replace(settings, model_version=str(chosen["model_version"]))
    options = {name: _parameter(name, value) for name, value in present.items() if name not in _SETTINGS}
    return settings, options


def _check(settings: Settings) -> None:
    if settings.lane is not None and settings.lane not in PRIORITY_OF_LANE:
        raise BadOption(f"lane must be 'interactive' or 'bulk', got {settings.lane!r}.")
    headers = settings.headers
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise BadOption(f"headers must be names and their values, both text, got {type(headers).__name__}.")
    deadline = settings.deadline_s
    if deadline is None:
        return
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not 0 < deadline < 1e6:
        raise BadOption(f"deadline_s must be a number of seconds above 0 and below 1,000,000, got {deadline!r}.")


def _parameter(name: str, value: Any) -> Parameter:
    if name in _RESERVED or name.startswith("triton_"):
        raise BadOption(f"{name!r} is a name that Triton keeps for itself; it cannot be an option.")
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, str | bool | int | float):
        raise BadOption(
            f"{name} must be text, a number or true/false to travel as a request parameter, got {type(value).__name__}."
        )
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadOption(f"{name} must fit into 64 bits, got {value}.")
    return value
