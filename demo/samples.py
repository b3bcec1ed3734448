"""What a task shows: pictures to send, what to measure them by, and what must come out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from demo.metrics import Quality
from demo.photos import Photo
from demo.pictures import Picture, Pixels

Protocol = Literal["grpc", "http"]
Measure = Callable[[Pixels, Pixels], Quality]
"""(result, original), uint8 [h, w, 3] both -> how near; `metrics.on_luma` and `metrics.on_rgb` are two."""


@dataclass(frozen=True)
class Sample:
    """One request and what surrounds it on the page."""

    name: str
    """Unique in its task; part of file names: lower case, digits and hyphens."""
    group: str
    """Samples of one group share a line of the table, which averages their figures."""
    title: str
    photo: Photo
    """Whom to thank."""
    recipe: str
    """How `before` was made out of the photo, in words."""
    before: Picture
    """The file that is sent, byte for byte."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the task, as the client takes them."""
    baseline: Picture | None = None
    """What one gets without the task; shown and measured beside the result."""
    original: Picture | None = None
    """The truth, where there is one; as large as the result."""
    measure: Measure | None = None
    """How near result and baseline come to `original`; for a denoiser the baseline is `before`, when None is given."""
    detail: tuple[int, int] | None = None
    """(x, y) of what to look at closely, pixels of the result; without it no enlargement is shown."""
    protocols: tuple[Protocol, ...] = ("grpc", "http")
    """The first one's answer is shown; the first sample of a group goes over all, and their bytes must be equal."""
    tell: "Callable[[Outcome], str] | None" = None
    """A sentence for the page that depends on the answer."""
    extras: "Callable[[Outcome], Sequence[Picture]] | None" = None
    """More pictures for the page that depend on the answer, such as found faces drawn in."""


@dataclass(frozen=True)
class Outcome:
    """What came back for a sample."""

    sample: Sample
    after: Picture
    report: Mapping[str, Any]
    """The server's receipt, as sent."""
    seconds: Mapping[Protocol, float]
    """Request to answer, seen from the client."""
    same_bytes: bool
    """Whether all protocols brought the same file."""
    quality: Quality | None = None
    baseline_quality: Quality | None = None


@dataclass(frozen=True)
class Check:
    """One figure that must hold."""

    name: str
    found: float | str
    wanted: float | str
    """A number: at least. A text: exactly."""
    passed: bool
    unit: str = ""


def at_least(name: str, found: float, wanted: float, *, decimals: int, unit: str = "") -> Check:
    """`found` reaches `wanted` when rounded to `decimals`: the precision that `wanted` is stated in."""
    return Check(name, found, wanted, round(found, decimals) >= wanted, unit)


def equal(name: str, found: float | str, wanted: float | str) -> Check:
    """Both must be the same."""
    return Check(name, found, wanted, found == wanted)


def mean(outcomes: Iterable[Outcome], group: str) -> Quality:
    """Average quality of a group's results. Raises ValueError where none was measured."""
    measured = [o.quality for o in outcomes if o.sample.group == group and o.quality is not None]
    if not measured:
        raise ValueError(f"nothing was measured in the group {group!r}")
    return average(measured)


def average(qualities: Sequence[Quality]) -> Quality:
    """The mean of each figure."""
    count = len(qualities)
    return Quality(sum(q.psnr for q in qualities) / count, sum(q.ssim for q in qualities) / count)


def no_checks(_: Sequence[Outcome]) -> list[Check]:
    """For tasks whose pictures are for the eye alone."""
    return []


@dataclass(frozen=True)
class Demo:
    """What a task file exports under the name `DEMO`."""

    model: str
    """Name of the model that answers; without its folder or its exported networks the demo leaves this task out."""
    title: str
    text: str
    """A paragraph for the page: what is shown, how it is measured."""
    samples: Callable[[], Iterable[Sample]]
    """Called once; may be a generator."""
    checks: Callable[[Sequence[Outcome]], list[Check]] = no_checks
    """Called with the outcomes of all samples, in their order."""
    order: int = 100
    """Place on the page; smaller comes first, names break ties."""
