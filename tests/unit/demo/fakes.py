"""Outcomes without a server."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from demo import metrics
from demo.photos import photo
from demo.pictures import Picture, png
from demo.run import Run, Section, Weights
from demo.samples import Check, Demo, Outcome, Sample

SIDE = 24


def picture(label: str, grey: int, side: int = SIDE) -> Picture:
    return Picture(label, png(np.full((side, side, 3), grey, np.uint8)))


def sample(name: str = "one", **changes: object) -> Sample:
    plain = Sample(
        name=name,
        group="grey",
        title="Grey",
        photo=photo("coffee"),
        recipe="Made grey.",
        before=picture("before", 90, SIDE // 2),
        baseline=picture("bicubic", 100),
        original=picture("original", 110),
        measure=metrics.on_rgb,
        detail=(8, 8),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def outcome(of: Sample | None = None, **changes: object) -> Outcome:
    plain = Outcome(
        sample=of or sample(),
        after=picture("after", 108),
        report={"tiles": 1, "queue_ms": 0.5, "infer_ms": 12.0, "weights": "here"},
        seconds={"grpc": 0.25, "http": 0.5},
        same_bytes=True,
        quality=metrics.Quality(30.0, 0.9),
        baseline_quality=metrics.Quality(20.0, 0.5),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def run(outcomes: Sequence[Outcome], checks: Sequence[Check] = (), **changes: str) -> Run:
    demo = Demo("grey", "Greying", "Makes grey.", lambda: [o.sample for o in outcomes])
    weights = (Weights("net", "Net", changes.get("weights", "wheel==1"), "MIT"),)
    result = Run("cpu")
    result.sections.append(Section("greying", demo, weights, tuple(outcomes), tuple(checks)))
    return result
