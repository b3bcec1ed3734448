"""Reference: a picture that a version must answer, and what the answer is measured by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.metrics import Quality
from demo.pictures import Pixels
from demo.samples import Measure, average


@dataclass(frozen=True)
class Reference:
    """One request, and the truth where there is one."""

    name: str
    """Unique in its task; part of file names: lower case, digits and hyphens."""
    title: str
    group: str
    """Figures are averaged over the references of a group."""
    file: bytes = field(repr=False)
    """The encoded file that is sent."""
    recipe: str
    """How it was made, in words."""
    credit: str
    """Whom to thank for the photograph, and its terms."""
    options: Mapping[str, Any] = field(default_factory=dict)
    original: Pixels | None = field(default=None, repr=False)
    """uint8 [h, w, 3], as large as the answer."""
    measure: Measure | None = None
    """How near an answer comes to another picture, the original for one."""
    worst_block: float | None = None
    """Largest error allowed in any block of the answer averaged back to the picture that was sent
    (`demo.metrics.block_errors`), grey levels; None: not judged."""


def by_group(references: Sequence[Reference], found: Sequence[Quality | None]) -> dict[str, Quality]:
    """Group -> mean of the figures found for its references; groups without any are left out."""
    groups: dict[str, list[Quality]] = {}
    for reference, quality in zip(references, found, strict=True):
        if quality is not None:
            groups.setdefault(reference.group, []).append(quality)
    return {group: average(qualities) for group, qualities in groups.items()}


def as_facts(quality: Quality) -> dict[str, float]:
    """For JSON: PSNR in dB, SSIM."""
    return {"psnr_db": round(quality.psnr, 3), "ssim": round(quality.ssim, 4)}
