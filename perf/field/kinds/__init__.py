"""One module a kind of picture; each has `cases()`."""

from collections.abc import Callable
from functools import cache

from perf.field.case import Case
from perf.field.kinds import (
    bmp,
    colour,
    containers,
    denoising,
    depth,
    faces,
    flats,
    formats_out,
    graphics,
    heic,
    jpeg,
    large,
    metadata,
    orientation,
    photos,
    png,
    sizes,
    tiff,
    transparency,
    truncated,
)

_MODULES = (
    transparency,
    orientation,
    colour,
    depth,
    metadata,
    formats_out,
    png,
    jpeg,
    tiff,
    bmp,
    heic,
    containers,
    truncated,
    sizes,
    graphics,
    photos,
    flats,
    denoising,
    faces,
    large,
)
KINDS: dict[str, Callable[[], list[Case]]] = {
    module.__name__.rsplit(".", 1)[-1]: cache(module.cases) for module in _MODULES
}
"""Name of a kind -> what makes its cases. The first call takes up to a second: it encodes files."""


def all_cases() -> list[Case]:
    """Every case of every kind. Raises ValueError where two have the same label."""
    cases = [case for cases_of in KINDS.values() for case in cases_of()]
    labels = [case.label for case in cases]
    doubled = sorted({label for label in labels if labels.count(label) > 1})
    if doubled:
        raise ValueError(f"Two cases are called {', '.join(doubled)}.")
    return cases
