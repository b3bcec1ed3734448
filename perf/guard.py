"""Which network should enlarge by default: photographs and graphics, with and without the guard. No server: the
graphs as they are exported, run by OpenVINO in fp32.

    python -m perf.guard                         # the networks of model_repository
    python -m perf.guard --candidates            # and what was compared with them, made anew from the weights
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from darkroom.config import load_networks
from darkroom.openvino_runner import OpenVinoRunner
from demo import degrade, metrics
from demo.graphics import GRAPHICS, Graphic
from demo.photos import PHOTOS
from demo.pictures import Pixels
from perf.candidates import candidates
from perf.harness import report

REPOSITORY = Path("model_repository")
MARGIN = 8
"""Mirrored pixels around a picture, as the server adds them."""
TIMED_SIDE = 160


@dataclass(frozen=True)
class Answer:
    """What a network made of a picture."""

    pixels: Pixels
    guarded: float
    """Share of the input pixels with a weight above 0."""


Enlarge = Callable[[Pixels], Answer]


@dataclass(frozen=True)
class Row:
    """One network on all pictures. Gains are PSNR over bicubic, dB."""

    network: str
    scale: int
    photos_db: float
    gain_db: float
    least_gain_db: float
    bad_blocks: int
    worst_block: float
    guarded: float
    """Per cent, of the drawn pictures that were shrunk."""
    guarded_originals: float
    """Per cent, of the drawn pictures as they are."""
    photos_guarded: float
    ms: float
    """Processor time of a tile of 160 x 160 pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=["span_x2", "span_x4"])
    parser.add_argument("--candidates", nargs="*", default=None, metavar="NAME", help="all, where none is named")
    parser.add_argument("--scales", nargs="*", type=int, default=[2, 4])
    parser.add_argument("--pictures", action="store_true", help="a line for each picture of the set as well")
    arguments = parser.parse_args()
    rows: list[Row] = []
    version = REPOSITORY / "super_resolution" / "1"
    for name, record in load_networks(version).items():
        if name in arguments.networks and record.scale in arguments.scales:
            rows.append(_measure(name, version / record.file, record.scale, each=arguments.pictures))
    if arguments.candidates is not None:
        with tempfile.TemporaryDirectory() as folder:
            for scale in arguments.scales:
                for name, path in candidates(scale, Path(folder), arguments.candidates):
                    rows.append(_measure(name, path, scale, each=arguments.pictures))
    report("guard", [vars(row) for row in rows])


def _measure(name: str, path: Path, scale: int, *, each: bool) -> Row:
    runner = OpenVinoRunner(path, "f32", threads=0)

    def enlarge(pixels: Pixels) -> Answer:
        padded = np.pad(pixels, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="symmetric")
        output, *rest = (array[0] for array in runner.run((padded[None],)))
        edge = MARGIN * scale
        guarded = rest[0][MARGIN:-MARGIN, MARGIN:-MARGIN] if rest else np.zeros(1)
        return Answer(output[edge:-edge, edge:-edge], float((guarded > 0).mean()))

    row = judge(name, scale, enlarge, GRAPHICS, _milliseconds(runner), each=each)
    print(row, flush=True)
    runner.close()
    return row


def judge(name: str, scale: int, enlarge: Enlarge, graphics: Sequence[Graphic], ms: float, *, each: bool) -> Row:
    """Measure one network: PSNR of luma without the four outermost pixels."""
    photos = [enlarge(degrade.shrink(degrade.whole(photo.pixels), scale)) for photo in PHOTOS]
    photos_db = [_psnr(a.pixels, degrade.whole(photo.pixels)) for a, photo in zip(photos, PHOTOS, strict=True)]
    as_they_are = [(photo.pixels, enlarge(photo.pixels)) for photo in PHOTOS]
    gains, guarded, guarded_originals, blocks = [], [], [], [metrics.block_errors(a.pixels, p) for p, a in as_they_are]
    for graphic in graphics:
        original = enlarge(graphic.pixels)
        blocks.append(metrics.block_errors(original.pixels, graphic.pixels))
        line = f"{graphic.name:24} worst block {blocks[-1].max():5.1f}, guarded {original.guarded:6.1%}"
        if graphic.is_drawn:
            small = degrade.shrink(graphic.pixels, scale)
            again = enlarge(small)
            gains.append(_psnr(again.pixels, graphic.pixels) - _psnr(degrade.enlarge(small, scale), graphic.pixels))
            guarded.append(again.guarded)
            guarded_originals.append(original.guarded)
            line += f"; shrunk: {gains[-1]:+6.2f} dB, guarded {again.guarded:6.1%}"
        if each:
            print(line, flush=True)
    return Row(
        network=name,
        scale=scale,
        photos_db=round(statistics.mean(photos_db), 3),
        gain_db=round(statistics.mean(gains), 2),
        least_gain_db=round(min(gains), 2),
        bad_blocks=int(sum((errors > metrics.BAD_BLOCK).sum() for errors in blocks)),
        worst_block=round(float(max(errors.max() for errors in blocks)), 1),
        guarded=round(100 * statistics.mean(guarded), 2),
        guarded_originals=round(100 * statistics.mean(guarded_originals), 2),
        photos_guarded=round(100 * statistics.mean(a.guarded for a in [*photos, *(a for _, a in as_they_are)]), 4),
        ms=ms,
    )


def _psnr(result: Pixels, original: Pixels) -> float:
    return metrics.on_luma(result, original, border=4).psnr


def _milliseconds(runner: OpenVinoRunner, runs: int = 7) -> float:
    tile = np.ascontiguousarray(PHOTOS[0].pixels[:TIMED_SIDE, :TIMED_SIDE])[None]
    spent = []
    for _ in range(runs):
        started = time.process_time()
        runner.run((tile,))
        spent.append(time.process_time() - started)
    return round(1000 * min(spent), 1)


if __name__ == "__main__":
    main()
