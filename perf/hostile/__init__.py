"""Files that mean harm: whole pictures of every format, damaged at random, damaged where it hurts, and bombs.

    for hostile in hostile_files(20_000, seed=1):
        ...  # hostile.what says how it was made, hostile.data is the file

The same seed and number give the same file, so that what broke something can be made again.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from perf.hostile.bombs import BOMBS
from perf.hostile.damage import damaged
from perf.hostile.seeds import seeds
from perf.hostile.structure import restructured

_BOMBS_PERCENT, _STRUCTURE_PERCENT = 10, 50


@dataclass(frozen=True)
class Hostile:
    """One file and its making."""

    what: str
    data: bytes


def hostile_files(count: int, seed: int, start: int = 0) -> Iterator[Hostile]:
    """Files number `start` to `start + count` of the row that `seed` names; most are under 10 KB."""
    for number in range(start, start + count):
        yield hostile_file(seed, number)


def hostile_file(seed: int, number: int) -> Hostile:
    """File `number` of the row that `seed` names."""
    draw = random.Random(f"{seed}/{number}")
    label = f"file {number} of seed {seed}"
    percent = draw.randrange(100)
    if percent < _BOMBS_PERCENT:
        name = draw.choice(sorted(BOMBS))
        return Hostile(f"{label}: {name}", BOMBS[name](draw))
    name = draw.choice(sorted(seeds()))
    data = seeds()[name]
    if percent < _BOMBS_PERCENT + _STRUCTURE_PERCENT:
        data = restructured(data, draw)
        if draw.random() < 0.8:
            return Hostile(f"{label}: {name}, structure", data)
    return Hostile(f"{label}: {name}, damaged", damaged(data, draw))
