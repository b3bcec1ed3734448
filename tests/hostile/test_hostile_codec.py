"""Thousands of hostile files through the codec in this process: a picture or a sentence, in bounded time and memory."""

import random
import resource
import time
from collections import Counter

import numpy as np
import pytest

from darkroom.codec import decode, encode, read_header
from darkroom.config import Limits
from darkroom.errors import BadImageError
from perf.hostile import hostile_file, hostile_files
from perf.hostile.bombs import BOMBS
from perf.hostile.seeds import seeds

LIMITS = Limits()
SEVERAL = {"png frames", "webp frames", "gif frames", "avif frames", "tiff pages"}
"""Seeds that hold more than one picture, of which none is chosen here."""
HANG_S = 30.0
MOST_MIB = 700
"""Growth of this process: 16 megapixels are 48 MB, and a decoder holds them a few times."""


def judge(what: str, data: bytes) -> str:
    """ "picture" or "refusal"; fails on anything else."""
    began, refusal = time.monotonic(), None
    try:
        header = read_header(data, LIMITS)
        image = decode(data, LIMITS)
    except BadImageError as error:
        refusal = error
    if refusal is not None:
        assert refusal.message.endswith("."), (what, refusal.message)
        assert len(refusal.wire_message().encode()) < 500, (what, refusal.message)
    else:
        assert image.pixels.shape == (header.height, header.width, 3), what
        assert image.pixels.dtype == np.uint8, what
        if image.pixels.size < 1_000_000:
            assert encode(image, "same", None), what
    assert time.monotonic() - began < HANG_S, what
    return "refusal" if refusal else "picture"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it thinks of some tags
@pytest.mark.parametrize("count", [1_500, pytest.param(100_000, marks=pytest.mark.slow)])
def test_hostile_files(count: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdicts = Counter(judge(file.what, file.data) for file in hostile_files(count, seed=count))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MIB * 1024
    assert verdicts["picture"] > count / 10  # or the damage would never reach what lies behind the headers
    assert verdicts["refusal"] > count / 2


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_every_bomb_in_some_sizes(name: str) -> None:
    for number in range(4):
        judge(f"{name} {number}", BOMBS[name](random.Random(number)))


@pytest.mark.parametrize("name", sorted(seeds()))
def test_what_the_files_are_made_of_is_whole(name: str) -> None:
    assert judge(name, seeds()[name]) == ("refusal" if name in SEVERAL else "picture")


def test_a_file_can_be_made_again() -> None:
    again = list(hostile_files(50, seed=9))
    assert again == list(hostile_files(50, seed=9))
    assert again[30] == hostile_file(9, 30)
    assert [file.data for file in again] != [file.data for file in hostile_files(50, seed=10)]
    assert len({file.data for file in again}) == 50
