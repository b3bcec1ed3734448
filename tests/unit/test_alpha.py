"""Transparency in bands has the bytes of the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.pipelines.alpha import CONTEXT, AlphaRows, enlarge


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(1, 20),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([np.uint8, np.uint16]),
    st.data(),
)
def test_bands_of_alpha_are_those_of_the_whole(
    height: int, width: int, scale: int, dtype: type, data: st.DataObject
) -> None:
    top = np.iinfo(dtype).max
    alpha = np.random.default_rng(height).choice([0, top // 3, top], (height, width)).astype(dtype)
    whole = alpha if scale == 1 else enlarge(alpha, scale)
    rows, added, taken, parts = AlphaRows(height, scale), 0, 0, []
    while taken < height:
        end = data.draw(st.integers(taken + 1, height))
        while added < min(height, end + CONTEXT):
            more = data.draw(st.integers(1, 9))
            rows.add(alpha[added : added + more])
            added = min(height, added + more)
        parts.append(rows.take(taken * scale, end * scale))
        taken = end
    assert whole.dtype == dtype
    assert np.array_equal(np.concatenate(parts), whole)


def test_rows_that_were_taken_are_forgotten() -> None:
    rows = AlphaRows(1000, 2)
    for first in range(0, 1000, 10):
        rows.add(np.full((10, 4), 7, np.uint8))
        if first >= 20:
            rows.take((first - 20) * 2, (first - 10) * 2)
        assert len(rows._parts) <= 4


def test_a_picture_without_alpha_has_none() -> None:
    assert AlphaRows(10, 2).take(0, 20) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_opaque_stays_opaque(dtype: type) -> None:
    opaque = np.full((7, 5), np.iinfo(dtype).max, dtype)
    assert (enlarge(opaque, 4) == np.iinfo(dtype).max).all()
