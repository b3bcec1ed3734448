"""Where a job's time goes on the CPU: network, codec, and everything between them (cutting, copying, stitching).

The recipe in this process, one picture after the other, from encoded JPEG to encoded JPEG.
"""

import argparse
import time

from darkroom import codec
from darkroom.config import Limits
from darkroom.network import Runner, Unit
from perf.harness import report
from perf.in_process import NETWORKS, Recipe
from perf.load import photo

SIDES = (96, 256, 384)
MOST_CODEC = 10.0
"""Per cent of a job."""


class _Timed:
    """A runner that knows how long it ran."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.seconds = 0.0

    def run(self, inputs: Unit) -> Unit:
        started = time.perf_counter()
        outputs = self._runner.run(inputs)
        self.seconds += time.perf_counter() - started
        return outputs

    def close(self) -> None:
        self._runner.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=8, help="of each size")
    count = parser.parse_args().pictures
    rows = []
    for task in NETWORKS:
        recipe = Recipe(task)
        recipe.runner = network = _Timed(recipe.runner)
        for side in SIDES:
            recipe.run(photo(side, side))  # warm
            rows.append(_shares(task, side, recipe, network, count))
        network.close()
    report("shares", rows)


def _shares(task: str, side: int, recipe: Recipe, network: _Timed, count: int) -> dict[str, object]:
    pictures = [photo(side, side, seed) for seed in range(count)]
    network.seconds = codecs = 0.0
    started = time.perf_counter()
    for data in pictures:
        began = time.perf_counter()
        image = codec.decode(data, Limits())
        decoded = time.perf_counter()
        image.pixels = recipe.compute(image.pixels)
        computed = time.perf_counter()
        codec.encode(image, "same", None)
        codecs += decoded - began + time.perf_counter() - computed
    whole = time.perf_counter() - started
    return {
        "what": f"{task}, {side}x{side}",
        "a picture (ms)": 1000 * whole / count,
        "network (%)": 100 * network.seconds / whole,
        "decode and encode (%)": 100 * codecs / whole,
        "cut, copy, stitch (%)": 100 * (whole - network.seconds - codecs) / whole,
        "wanted": f"codec <= {MOST_CODEC:g} %",
    }


if __name__ == "__main__":
    main()
