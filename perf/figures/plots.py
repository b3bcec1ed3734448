"""Which measurement is drawn how. Each takes the content of its JSON file and the path of the picture."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from perf.figures import before_after
from perf.figures.style import COLOURS, save

Content = Mapping[str, Any]


def _before_after(content: Content, path: Path) -> None:
    before_after.draw(content["rows"], path)


def _ceiling(content: Content, path: Path) -> None:
    """Bars: in this process, and served."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    rows = content["rows"]
    for offset, key, colour in ((-0.2, "in process (images/s)", COLOURS[3]), (0.2, "served (images/s)", COLOURS[2])):
        bars = axes.bar([i + offset for i in range(len(rows))], [row[key] for row in rows], 0.38, color=colour)
        axes.bar_label(bars, fmt="%.2f", fontsize=8)
        bars.set_label(key)
    axes.set_xticks(range(len(rows)), [row["what"].replace(", ", "\n") for row in rows], fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def _batching(content: Content, path: Path) -> None:
    """Bars: images a second with each kind of batching switched off."""
    figure = Figure(figsize=(8, 2.2), layout="constrained")
    axes = figure.subplots()
    rows = content["rows"][::-1]
    bars = axes.barh([row[""] for row in rows], [row["images/s"] for row in rows], color=COLOURS[2])
    axes.bar_label(bars, fmt="%.1f", fontsize=8, padding=3)
    axes.set_xlabel("images/s")
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def _overload(content: Content, path: Path) -> None:
    """Every request as a dot: when it came, how long until its answer, and which."""
    file = path.with_name("overload_requests.csv")
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    with file.open(newline="") as lines:
        requests = list(csv.DictReader(lines))
    kinds = sorted({request["outcome"] for request in requests}, key=lambda kind: (kind != "ok", kind))
    for kind, colour in zip(kinds, (COLOURS[2], COLOURS[1], COLOURS[0], *COLOURS[3:]), strict=False):
        dots = [request for request in requests if request["outcome"] == kind]
        came, took = ([float(dot[key]) for dot in dots] for key in ("at_s", "seconds"))
        # thousands of dots as paths make a picture of megabytes
        axes.scatter(came, took, s=3, color=colour, label=f"{kind} ({len(dots)})", rasterized=True)
    axes.set_yscale("log")
    axes.set_xlabel("came after (s)")
    axes.set_ylabel("answered in (s)")
    axes.legend(frameon=False, fontsize=8, markerscale=3)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def _analyze(content: Content, path: Path) -> None:
    """Latency over throughput, a line for each task, size and protocol, a dot for each load."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in content["rows"]:
        if not row["failed"]:
            name = f"{row['task']} {row['size']} {row['protocol']}"
            lines.setdefault(name, []).append((row["images/s"], row["p99 (ms)"]))
    for number, (name, points) in enumerate(lines.items()):
        style = "--" if name.endswith("http") else "-"
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(*zip(*points, strict=True), style, color=colour, marker="o", markersize=3, label=name)
    axes.set_xlabel("images/s")
    axes.set_ylabel("p99 (ms)")
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


PLOTS: dict[str, Callable[[Content, Path], None]] = {
    "before_after": _before_after,
    "ceiling": _ceiling,
    "batching": _batching,
    "overload": _overload,
    "analyze": _analyze,
}
