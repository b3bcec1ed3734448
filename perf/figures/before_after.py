"""Before, after and Darkroom over the number of callers: six small plots in one picture."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from perf.figures.style import COLOURS, save

SERVICES = dict(zip(("before", "after", "Darkroom"), COLOURS, strict=False))
"""Each in its own colour, whichever are there."""
PANELS = (
    ("turnaround p99 (s)", "turnaround, retries included, p99 (s)"),
    ("p50 (s)", "answered attempts, p50 (s)"),
    ("504 (%)", "timed out: 504 (%)"),
    ("goodput (images/s)", "served in time (images/s)"),
    ("refusals", "refusals (429)"),
    ("memory (MiB)", "memory, highest (MiB)"),
)


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """`rows` as perf.before_after reports them."""
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    services = [service for service in SERVICES if any(row["service"] == service for row in rows)]
    for axes, (key, title) in zip(figure.subplots(2, 3).flat, PANELS, strict=True):
        for service in services:
            points = [(row["callers"], row[key]) for row in rows if row["service"] == service]
            axes.plot(*zip(*points, strict=True), color=SERVICES[service], marker="o", markersize=4, label=service)
        # no latency where nobody was answered
        highest = max((row[key] for row in rows if not math.isnan(row[key])), default=0.0)
        _finish(axes, title, sorted({row["callers"] for row in rows}), highest)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(services), frameon=False)
    save(figure, path)


def _finish(axes: Axes, title: str, callers: Sequence[int], highest: float) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xscale("log", base=2)
    axes.set_xticks(callers, [str(count) for count in callers])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("callers", fontsize=9)
    axes.set_ylim(0, 1.08 * highest if highest > 0 else 1)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
