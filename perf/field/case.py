"""A case: one file, the ways it is sent, and what the answers must be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from perf.field.viewer import View, view

Device = Literal["simulated", "cpu"]


@dataclass(frozen=True)
class Finding:
    """One judgement: a figure or a sentence, and whether it is right."""

    figure: str
    right: bool


@dataclass(frozen=True)
class Way:
    """A task and the options that every file sent this way gets."""

    task: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For a table: `super_resolution scale=2`."""
        return " ".join([self.task, *(f"{name}={value}" for name, value in self.options.items())])


@dataclass(frozen=True)
class Outcome:
    """What came back for a file."""

    way: Way
    image: bytes = field(default=b"", repr=False)
    """The encoded answer; empty for a refusal and for a quote."""
    report: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    """Of a refusal ("bad_image"); empty where the task answered."""
    sentence: str = ""
    """Of a refusal."""
    status: int = 200
    seconds: float = 0.0
    beside: "Outcome | None" = None
    """The answer to `Case.beside`, sent the same way."""

    @property
    def scale(self) -> int:
        """Output pixels per input pixel along a side."""
        default = 4 if self.way.task == "super_resolution" else 1
        return int(self.way.options.get("scale", default))

    @cached_property
    def view(self) -> View:
        """The answer as a viewer reads it."""
        return view(self.image)


Check = Callable[[Outcome], Finding]

BANDED = Way("denoise", {"strength": 0})
"""Read and written in bands. A simulated device echoes, so the answer must equal the source."""
ENLARGED = Way("super_resolution", {"scale": 2})
"""A simulated device repeats pixels, so the answer averaged back must equal the source."""
WHOLE = Way("face_enhance", {"fidelity": 1.0, "max_faces": 0, "min_face": 16000})
"""Decoded and encoded whole; nothing is looked for."""
EVERY = (BANDED, WHOLE, ENLARGED)


@dataclass(frozen=True)
class Case:
    """One file and what is right. `checks` judge every answer; all must hold."""

    kind: str
    name: str
    file: Callable[[], bytes] = field(repr=False)
    checks: tuple[Check, ...] = field(repr=False)
    source: str = ""
    """Public reports of the same symptom, as "owner/project#issue"; empty for a variation of another case."""
    ways: tuple[Way, ...] = EVERY
    options: Mapping[str, Any] = field(default_factory=lambda: {"output_format": "png"})
    """On top of the way's own."""
    device: Device = "simulated"
    """`simulated` judges everything but the networks, exactly; `cpu` runs the networks."""
    beside: Callable[[], bytes] | None = field(default=None, repr=False)
    """A second file, sent the same way, whose answer the checks compare with."""
    quick: bool = True
    """Whether `make test` runs it (its first way only)."""

    @property
    def label(self) -> str:
        """Unique over all kinds."""
        return f"{self.kind}/{self.name}"

    def sent(self) -> list[Way]:
        """Its ways with all options."""
        return [Way(way.task, {**way.options, **self.options}) for way in self.ways]
