"""What tiling costs: pixels computed over pixels of the picture, for pictures of 96 to 2000 pixels a side.

Pure arithmetic on the tiles of pipeline.json (a GPU's), beside what one fixed tile would cost with the same overlap.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.config import TilingConfig, load_pipeline
from darkroom.tiling import Grid
from perf.harness import report

REPOSITORY = Path("model_repository")
TASKS = ("super_resolution", "denoise")
ASPECTS = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3)
SHORTEST, LONGEST = 96, 2000
FIXED = (128, 256)
MOST_SHAPES, WANTED = 6, 1.35


@dataclass(frozen=True)
class Cost:
    """Over many pictures: pixels computed over pixels there are."""

    total: float
    """Of all pictures together: the large ones count most."""
    mean: float
    """Of a picture: the small ones count as much."""
    worst: float
    tiles: float
    """In a picture, on the average."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=32, help="pixels from one height to the next")
    step = parser.parse_args().step
    rows = []
    for task in TASKS:
        for name, network in load_pipeline(REPOSITORY / task / "1", cpu=False).networks.items():
            if network.tiling is not None:
                rows += [_row(name, tiling, step) for tiling in (network.tiling, *_fixed(network.tiling))]
    report("tiling", rows)


def _fixed(tiling: TilingConfig) -> Iterator[TilingConfig]:
    for side in FIXED:
        yield tiling.model_copy(update={"heights": (side,), "widths": (side,)})


def _row(name: str, tiling: TilingConfig, step: int) -> dict[str, object]:
    found = cost(tiling, list(sizes(step)))
    shapes = len(tiling.heights) * len(tiling.widths)
    return {
        "network": name,
        "tiles": f"{'/'.join(map(str, tiling.heights))} x {'/'.join(map(str, tiling.widths))}",
        "overlap": 2 * tiling.halo + tiling.blend,
        "computed / picture, in total": found.total,
        "mean": found.mean,
        "worst": found.worst,
        "tiles a picture": found.tiles,
        "wanted": f"<= {WANTED}, {MOST_SHAPES} shapes" if shapes > 1 else "",
    }


def sizes(step: int) -> Iterator[tuple[int, int]]:
    """(height, width) of pictures in the usual proportions."""
    for height in range(SHORTEST, LONGEST + 1, step):
        for aspect in ASPECTS:
            width = round(height * aspect)
            if SHORTEST <= width <= LONGEST:
                yield height, width


def cost(tiling: TilingConfig, pictures: Sequence[tuple[int, int]]) -> Cost:
    """What tiles of `tiling` cost over pictures of these (height, width)."""
    ratios, computed, counts = [], 0, 0
    for height, width in pictures:
        shapes = Grid(height, width, tiling).shapes()
        pixels = sum(h * w * count for (h, w), count in shapes.items())
        computed += pixels
        counts += sum(shapes.values())
        ratios.append(pixels / (height * width))
    total = computed / sum(height * width for height, width in pictures)
    return Cost(total, sum(ratios) / len(ratios), max(ratios), counts / len(pictures))


if __name__ == "__main__":
    main()
