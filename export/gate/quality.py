"""Is it at least as good as the newest version, on the reference pictures, and does it damage none of their blocks?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darkroom.errors import BadOptionError, DarkroomError
from darkroom.pipelines.task import Task
from demo import metrics
from demo.metrics import Quality
from demo.pictures import Picture, Pixels
from export.errors import ExportError
from export.gate.finding import Finding
from export.offline import Offline
from export.reference import Reference, as_facts, by_group
from export.release import Candidate

MARGIN_DB, MARGIN_SSIM = 0.1, 0.002
"""How much worse than the newest version the mean of a group may be."""


def check(candidate: Candidate) -> Finding:
    """Raises ExportError where a reference is not answered, or a group is worse by more than the margin and no reason
    is given why that is accepted."""
    recipe = candidate.recipe
    stated = recipe.references() if recipe.references else ()
    references = [r for r in stated if r.original is not None or r.worst_block is not None]
    if not references:
        reason = recipe.no_quality or "the recipe has no references"
        return Finding(f"not measured: {reason}", {"not_measured": reason})
    task = recipe.serves()
    found = measure(candidate.folder, candidate.number, task, references)
    before = _earlier(candidate, task, references)
    worse = _worse(found, before)
    if worse and not candidate.allow_worse:
        assert candidate.previous is not None
        raise ExportError(
            f"Worse than version {candidate.previous.name}: {'; '.join(worse)}. Allowed are {MARGIN_DB:g} dB and "
            f"{MARGIN_SSIM:g}; --allow-worse REASON publishes it all the same."
        )
    facts = {
        "margin": {"psnr_db": MARGIN_DB, "ssim": MARGIN_SSIM},
        "groups": {
            group: as_facts(quality) | ({"before": as_facts(before[group])} if group in before else {})
            for group, quality in found.items()
        },
        "worse": worse,
    }
    told = "; ".join(f"{group} {_told(quality, before.get(group))}" for group, quality in found.items())
    return Finding(f"{told}{' (worse, allowed)' if worse else ''}", facts)


def measure(
    folder: Path, number: str, task: Task[Any], references: Sequence[Reference], *, lenient: bool = False
) -> dict[str, Quality]:
    """Group -> mean quality of a version's answers. `lenient` leaves out what the version has no option for.

    Raises ExportError where the version cannot be loaded or a reference is not answered as it should be.
    """
    with Offline(folder, task, number) as version:
        return by_group(references, [_one(version, reference, lenient) for reference in references])


def _one(version: Offline, reference: Reference, lenient: bool) -> Quality | None:
    try:
        pixels = version.ask(reference).pixels
    except DarkroomError as error:
        if lenient and isinstance(error, BadOptionError):
            return None
        raise ExportError(f"{reference.title} was not answered: {error}") from None
    if reference.worst_block is not None and not lenient:
        _judge_blocks(reference, pixels, reference.worst_block)
    if reference.original is None:
        return None
    assert reference.measure is not None
    if pixels.shape != reference.original.shape:
        (height, width), (wanted_height, wanted_width) = pixels.shape[:2], reference.original.shape[:2]
        raise ExportError(f"{reference.title} came back as {width} x {height}, not {wanted_width} x {wanted_height}.")
    return reference.measure(pixels, reference.original)


def _judge_blocks(reference: Reference, answer: Pixels, allowed: float) -> None:
    worst = float(metrics.block_errors(answer, Picture("sent", reference.file).pixels()).max())
    if worst > allowed:
        raise ExportError(
            f"{reference.title} is damaged: averaged back to the size that was sent, one of its blocks of "
            f"{metrics.BLOCK} x {metrics.BLOCK} pixels differs by {worst:.1f} grey levels (root mean square); "
            f"allowed are {allowed:g}."
        )


def _earlier(candidate: Candidate, task: Task[Any], references: Sequence[Reference]) -> dict[str, Quality]:
    previous = candidate.previous
    if previous is None:
        return {}
    try:
        return measure(previous, previous.name, task, references, lenient=True)
    except ExportError as error:
        raise ExportError(f"Version {previous.name} cannot be measured to compare with: {error}") from None


def _worse(found: Mapping[str, Quality], before: Mapping[str, Quality]) -> list[str]:
    return [
        f"{group} {_told(found[group], was)}"
        for group, was in before.items()
        if group in found
        # Written so that a figure that is no number is worse too.
        and not (found[group].psnr >= was.psnr - MARGIN_DB and found[group].ssim >= was.ssim - MARGIN_SSIM)
    ]


def _told(quality: Quality, before: Quality | None) -> str:
    text = f"{quality.psnr:.2f} dB / {quality.ssim:.3f}"
    return text if before is None else f"{text} (was {before.psnr:.2f} / {before.ssim:.3f})"
