"""One look for all plots. Importing it makes matplotlib draw without a display."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("agg")

COLOURS = ("#D55E00", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9")
"""Told apart by colour-blind people too (Okabe and Ito)."""


def save(figure: Figure, path: Path) -> None:
    """Write as what the suffix says; the same figures give the same bytes, so that git sees real changes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "darkroom", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, facecolor="white")
