"""What an answer can be judged by. Each function returns a check for one outcome."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perf.field.case import Check, Finding, Outcome
from perf.field.pictures import Array
from perf.field.viewer import View, as_eight

IDENTICAL = 99.0
"""The PSNR of equal pictures, dB."""


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    """dB of 8-bit samples."""
    error = float(np.mean((np.asarray(a, np.float64) - b) ** 2)) if np.size(a) else 0.0
    return IDENTICAL if error == 0 else min(IDENTICAL, 10 * math.log10(255**2 / error))


def averaged(pixels: NDArray[Any], scale: int) -> NDArray[np.float64]:
    """[h * scale, w * scale, ...] -> float [h, w, ...]: the mean of each block."""
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    blocks = pixels[: height * scale, : width * scale].reshape(height, scale, width, scale, *pixels.shape[2:])
    mean: NDArray[np.float64] = blocks.mean(axis=(1, 3), dtype=np.float64)
    return mean


def answered(outcome: Outcome) -> Finding:
    """Not refused."""
    if outcome.image:
        return Finding("", True)
    return Finding(f"refused: {outcome.sentence or outcome.reason}", False)


def shows(expected: Callable[[], NDArray[Any]], at_least: float = 60.0, *, stored: bool = False) -> Check:
    """The answer, averaged back, shows uint8 [h, w, 3] or [h, w, 4], as sRGB: PSNR in dB `at_least`, over the
    visible pixels where there is alpha. `stored`: compare the numbers in the file, not what its profile makes of
    them."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        wanted, view = expected(), outcome.view
        pixels = view.eight if stored else view.srgb
        seen = averaged(pixels, outcome.scale)
        if seen.shape[:2] != wanted.shape[:2] or pixels.shape[0] != wanted.shape[0] * outcome.scale:
            return Finding(f"{pixels.shape[1]}x{pixels.shape[0]} of {wanted.shape[1]}x{wanted.shape[0]}", False)
        transparent = wanted.ndim == 3 and wanted.shape[2] == 4
        if not transparent:
            found = psnr(seen, wanted if wanted.ndim == 3 else wanted[..., None])
            return Finding(f"{found:.1f} dB", found >= at_least)
        if view.alpha is None:
            return Finding("no alpha", False)
        visible = wanted[..., 3] == 255 if outcome.scale > 1 else wanted[..., 3] > 0
        found = psnr(seen[visible], wanted[visible][:, :3])
        shape = psnr(averaged(as_eight(view.alpha), outcome.scale), wanted[..., 3])
        right = found >= at_least and shape >= (25 if outcome.scale > 1 else min(at_least, 50))
        return Finding(f"{found:.1f} dB, alpha {shape:.1f} dB", right)

    return check


def near(expected: Callable[[], NDArray[Any]], most: float, *, mean: float | None = None) -> Check:
    """The answer, averaged back, differs from uint8 [h, w, 3] by `most` grey levels anywhere, `mean` on average of a
    channel."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        difference = averaged(outcome.view.srgb, outcome.scale) - expected()
        worst, shift = np.abs(difference).max(), np.abs(difference.mean(axis=(0, 1))).max()
        right = worst <= most and (mean is None or shift <= mean)
        return Finding(f"worst {worst:.1f}, mean {shift:.2f} levels", bool(right))

    return check


def samples(expected: Callable[[], NDArray[Any]], most: int = 0) -> Check:
    """The answer's 16-bit samples equal uint16 [h, w], [h, w, 3] or [h, w, 4] within `most` levels of 65,536; 8 bits
    are right for tasks on 8-bit pictures."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        view, wanted = outcome.view, expected()
        if wanted.ndim == 2:
            wanted = np.dstack([wanted] * 3)
        held = view.samples[:: outcome.scale, :: outcome.scale].astype(np.int64)
        if held.shape[:2] != wanted.shape[:2]:
            return Finding(f"{held.shape[1]}x{held.shape[0]} of {wanted.shape[1]}x{wanted.shape[0]}", False)
        if outcome.way.task == "face_enhance":
            seen = wanted[..., 3] > 0 if wanted.shape[2] == 4 else np.ones(wanted.shape[:2], bool)
            difference = as_eight(view.samples)[:: outcome.scale, :: outcome.scale] - wanted[..., :3] / 257
            worst = np.abs(difference[seen]).max()
            return Finding(f"8 bits, worst {worst:.1f} levels", bool(worst <= 1.1))
        if view.bits != 16:
            return Finding(f"{view.bits} bits", False)
        worst = np.abs(held - wanted[..., :3]).max()
        if wanted.shape[2] == 4:
            if view.alpha is None:
                return Finding("no alpha", False)
            shown = wanted[..., 3] > 0
            worst = np.abs(held - wanted[..., :3])[shown].max()
            if outcome.scale == 1:
                worst = max(worst, np.abs(view.alpha.astype(np.int64) - wanted[..., 3]).max())
        return Finding(f"worst {worst} of 65,536", bool(worst <= most))

    return check


def levels(least: int) -> Check:
    """The answer has that many different 16-bit levels."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        count = len(np.unique(outcome.view.samples))
        return Finding(f"{count} levels", count >= least)

    return check


def steady(expected: Callable[[], NDArray[Any]], most: float) -> Check:
    """The root mean square difference from uint16 samples, in 8-bit grey levels."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        difference = averaged(outcome.view.samples, outcome.scale) - expected()[..., None]
        error = float(np.sqrt(np.mean(difference**2))) / 257
        return Finding(f"{error:.2f} levels rms", error <= most)

    return check


def file_is(
    kind: str | None = None,
    bits: int | None = None,
    *,
    alpha: bool | None = None,
    grey: bool | None = None,
    profile: bool | None = None,
) -> Check:
    """What the encoded answer is; None leaves a property open."""
    wanted = {"format": kind, "bits": bits, "alpha": alpha, "grey": grey, "profile": profile}

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        view = outcome.view
        held = {
            "format": view.format,
            "bits": view.bits,
            "alpha": view.alpha is not None,
            "grey": view.grey,
            "profile": view.icc is not None,
        }
        wrong = [
            f"{name} {held[name]}, not {value}" for name, value in wanted.items() if value not in (None, held[name])
        ]
        return Finding("; ".join(wrong), not wrong)

    return check


def carries(what: str, holds: Callable[[View], bool]) -> Check:
    """Something about the answer's file, in words and as a condition."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        right = holds(outcome.view)
        return Finding("" if right else f"not: {what}", right)

    return check


def density(horizontal: float, vertical: float | None = None) -> Check:
    """Pixels per inch, within 1."""
    wanted = (horizontal, horizontal if vertical is None else vertical)

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        found = outcome.view.density
        right = found is not None and all(abs(a - b) <= 1 for a, b in zip(found, wanted, strict=True))
        return Finding("" if right else f"density {found}, not {wanted}", right)

    return check


def refused(*words: str, reason: str = "bad_image") -> Check:
    """Refused for `reason` in a sentence that holds all `words`, in any case."""

    def check(outcome: Outcome) -> Finding:
        if outcome.image or not outcome.reason:
            return Finding("answered, but should be refused", False)
        missing = [word for word in words if word.lower() not in outcome.sentence.lower()]
        right = outcome.reason == reason and not missing
        if right:
            return Finding(f'"{outcome.sentence[:90]}"', True)
        told = f"says nothing of {', '.join(missing)}: " if missing else f"reason {outcome.reason}: "
        return Finding(f'{told}"{outcome.sentence[:160]}"', False)

    return check


def refused_or(words: Sequence[str], *checks: Check) -> Check:
    """Both are right: a refusal that holds `words`, or an answer for which `checks` hold."""
    refusal = refused(*words)

    def check(outcome: Outcome) -> Finding:
        if outcome.reason:
            return refusal(outcome)
        found = [check(outcome) for check in checks]
        return Finding("; ".join(f.figure for f in found if f.figure), all(f.right for f in found))

    return check


def reports(key: str, value: Any) -> Check:
    """A key of the report."""

    def check(outcome: Outcome) -> Finding:
        held = outcome.report.get(key)
        right = held == value
        return Finding("" if right else f"report: {key} is {held!r}, not {value!r}", right)

    return check


def quoted(outcome: Outcome) -> Finding:
    """A price came back."""
    price = outcome.report.get("work_s")
    if price is None:
        return Finding(f"no price: {outcome.sentence}", False)
    return Finding(f"{outcome.report.get('units')} units, {price:.1f} s", True)


def whole_blocks(expected: Callable[[], Array], most: float = 20.0) -> Check:
    """No 16 x 16 block of the answer, averaged back, has an RMSE above `most` grey levels."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        error = (averaged(outcome.view.srgb, outcome.scale) - expected()) ** 2
        rows, columns = (max(1, side // 16) for side in error.shape[:2])
        high, wide = min(16, error.shape[0]), min(16, error.shape[1])
        blocks = error[: rows * high, : columns * wide].reshape(rows, high, columns, wide, 3)
        found = np.sqrt(blocks.mean(axis=(1, 3, 4)))
        guarded = outcome.report.get("guarded_pixels")
        share = "" if guarded is None else f", {100 * guarded / error[..., 0].size:.1f} % guarded"
        bad = int((found > most).sum())
        return Finding(f"{bad}/{found.size} blocks, worst {found.max():.1f}{share}", bad == 0)

    return check


def no_fringe(most: float, mean: float = 1.0) -> Check:
    """Over light and dark pages, the soft edge looks like that of the opaque picture (`Case.beside`) under the same
    alpha: within `most` grey levels anywhere and `mean` on average."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        if outcome.beside is None or not outcome.beside.image:
            return Finding("nothing to compare with", False)
        if outcome.view.alpha is None:
            return Finding("no alpha", False)
        alpha = as_eight(outcome.view.alpha) / 255.0
        edge = (alpha > 0.02) & (alpha < 0.98)
        if not edge.any():
            return Finding("no soft edge", False)
        # whatever the page, composites differ by alpha times the difference of the colours
        error = (np.abs(outcome.view.srgb.astype(float) - outcome.beside.view.srgb).max(axis=-1) * alpha)[edge]
        right = error.max() <= most and error.mean() <= mean
        return Finding(f"edge: worst {error.max():.1f}, mean {error.mean():.2f} levels", bool(right))

    return check
