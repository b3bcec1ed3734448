"""The judge itself: wrong answers must be found wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
import pytest

from perf.field import checks
from perf.field.case import BANDED, ENLARGED, Case, Outcome
from perf.field.files import fixture, opened, png, saved, tiff, turned
from perf.field.judge import judge
from perf.field.kinds import KINDS, all_cases
from perf.field.pictures import cat, coloured, cut_out, deep, grey, ramp, ring
from perf.field.profiles import ADOBE_RGB, DISPLAY_P3, SRGB, matrix_profile
from perf.field.viewer import to_srgb, view


def answer(data: bytes, way: Any = BANDED, **report: Any) -> Outcome:
    return Outcome(way, image=data, report=report)


def right(check: checks.Check, outcome: Outcome) -> bool:
    return check(outcome).right


def test_the_same_picture_shows_and_another_does_not() -> None:
    shows = checks.shows(cat)
    assert right(shows, answer(saved(cat(), "PNG")))
    assert not right(shows, answer(saved(cat()[:, ::-1].copy(), "PNG")))
    assert not right(shows, answer(saved(cat()[:-1], "PNG")))
    assert not right(shows, Outcome(BANDED, reason="bad_image", sentence="No."))


def test_an_enlargement_is_averaged_back() -> None:
    twice = cat().repeat(2, axis=0).repeat(2, axis=1)
    assert right(checks.shows(cat), answer(saved(twice, "PNG"), ENLARGED))
    assert not right(checks.shows(cat), answer(saved(cat(), "PNG"), ENLARGED))


def test_lost_alpha_and_shown_hidden_colours_are_wrong() -> None:
    shows = checks.shows(cut_out)
    assert right(shows, answer(saved(cut_out((255, 0, 255)), "PNG")))
    assert not right(shows, answer(saved(cut_out()[..., :3].copy(), "PNG")))
    opaque = np.dstack((cut_out()[..., :3], np.full_like(grey(), 255)))
    assert not right(shows, answer(saved(opaque, "PNG")))


def test_a_dark_fringe_is_wrong() -> None:
    orange, black = (255, 140, 0), (0, 0, 0)
    flat = answer(saved(coloured(ring(), orange, orange)[..., :3].copy(), "PNG"))
    good, bad = coloured(ring(), orange, orange), coloured(ring(), orange, black)
    bad[ring() < 200, :3] = 60
    fringe = checks.no_fringe(1.0)
    assert right(fringe, replace(answer(saved(good, "PNG")), beside=flat))
    assert not right(fringe, replace(answer(saved(bad, "PNG")), beside=flat))


def test_one_destroyed_block_is_wrong() -> None:
    spoilt = cat().copy()
    spoilt[32:48, 64:80] = np.random.default_rng(1).integers(0, 256, (16, 16, 3))
    assert right(checks.whole_blocks(cat), answer(saved(cat(), "PNG")))
    assert not right(checks.whole_blocks(cat), answer(saved(spoilt, "PNG")))


def test_eight_bits_are_not_sixteen() -> None:
    assert right(checks.samples(deep), answer(png(deep(), 16, 2)))
    assert right(checks.samples(deep), answer(tiff(deep())))
    assert not right(checks.samples(deep), answer(saved(cat(), "PNG")))
    assert not right(checks.samples(deep), answer(png(deep() // 256 * 256, 16, 2)))
    assert right(checks.levels(4096), answer(png(ramp(), 16, 0)))
    assert not right(checks.levels(4096), answer(png(ramp() // 256 * 257, 16, 0)))


def test_a_lost_profile_is_wrong() -> None:
    profile = matrix_profile(DISPLAY_P3)
    shows = checks.shows(lambda: to_srgb(cat(), profile), 45)
    assert right(shows, answer(saved(cat(), "PNG", icc_profile=profile)))
    assert right(shows, answer(saved(to_srgb(cat(), profile), "PNG")))
    assert not right(shows, answer(saved(cat(), "PNG")))


@pytest.mark.parametrize(("primaries", "gamma"), [(SRGB, None), (ADOBE_RGB, 2.2)])
def test_our_profiles_keep_neutral_colours_neutral(primaries: Any, gamma: float | None) -> None:
    levels = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    shown = to_srgb(levels, matrix_profile(primaries, gamma)).astype(int)
    assert (shown.max(axis=-1) - shown.min(axis=-1)).max() <= 1
    if gamma is None:
        assert np.abs(shown - levels).max() <= 1


def test_a_refusal_must_hold_the_words() -> None:
    refusal = Outcome(BANDED, reason="bad_image", sentence="The JPEG image is truncated; truncated=accept takes it.")
    assert right(checks.refused("truncated", "accept"), refusal)
    assert not right(checks.refused("frame"), refusal)
    assert not right(checks.refused(reason="bad_option"), refusal)
    assert not right(checks.refused(), answer(saved(cat(), "PNG")))
    assert not right(checks.refused(), Outcome(BANDED, report={"work_s": 1.0}))


def test_properties_of_the_file() -> None:
    outcome = answer(saved(grey(), "PNG", dpi=(300, 300)))
    assert right(checks.file_is("PNG", 8, alpha=False, grey=True, profile=False), outcome)
    assert not right(checks.file_is("JPEG"), outcome)
    assert not right(checks.file_is(bits=16), outcome)
    assert right(checks.density(300), outcome)
    assert not right(checks.density(72), outcome)
    assert not right(checks.density(300), answer(saved(grey(), "JPEG")))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_our_png_is_read_by_pillow(bits: int, interlaced: bool) -> None:
    levels = grey() >> (8 - bits)
    shown = opened(png(levels, bits, 0, interlaced=interlaced))[..., 0]
    assert np.array_equal(shown, np.rint(levels.astype(float) * 255 / (2**bits - 1)).astype(np.uint8))


@pytest.mark.parametrize("number", range(1, 9))
def test_pillow_shows_our_turned_pictures_upright(number: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = number
    assert np.array_equal(view(saved(turned(number, cat()), "PNG", exif=exif)).samples, cat())


def test_the_phone_photo_is_built_like_a_phones() -> None:
    data = fixture("phone.heic")
    for part in (b"grid", b"irot", b"colr", b"prof", b"Exif", b"thmb", b"hvc1"):
        assert part in data
    assert b"Display" in data or b"acsp" in data


def test_an_unreadable_answer_is_wrong_and_not_the_end() -> None:
    class Broken:
        def ask(self, way: Any, data: bytes) -> Outcome:
            return answer(b"\x89PNG\r\n\x1a\nnothing", way)

    case = Case("kind", "name", lambda: b"", (checks.shows(cat),))
    verdicts = judge(case, Broken())
    assert len(verdicts) == 3
    assert not any(verdict.right for verdict in verdicts)
    assert verdicts[0].row()["verdict"] == "WRONG"


def test_labels_are_unique_and_every_case_is_judged() -> None:
    cases = all_cases()
    assert {case.kind for case in cases} == set(KINDS)
    assert all(case.checks and case.ways for case in cases)
