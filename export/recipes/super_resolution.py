"""Super-resolution: SPAN for everyday use, Real-ESRGAN where invented detail is welcome and time is not
short."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from export.pixels import pixel_network, pixel_networks
from export.recipe import Plan, Recipe
from export.sources import SOURCES

if TYPE_CHECKING:
    from torch import nn

    from export.reference import Reference


def _span_x2(files: Mapping[str, bytes]) -> "nn.Module":
    from export.architectures import span

    return span.from_ncnn(files, scale=2)


def _span_x4(files: Mapping[str, bytes]) -> "nn.Module":
    from export.architectures import span

    return span.from_ncnn(files, scale=4)


def _realesrgan(files: Mapping[str, bytes]) -> "nn.Module":
    from export.architectures import rrdbnet

    return rrdbnet.from_ncnn(files)


BOUNDS = (1.25, 2.0, 16.0)
"""Of SPAN's guard. On the five photographs of the demo the ratio is at most 1.14, and the error averaged back at most
13.5 grey levels; where SPAN diverges the ratio is 6 to 6000."""
HARDNESS = {2: (0.5, 0.14), 4: (0.75, 0.15)}
"""Which edges reach SPAN with less contrast, by scale (`export.edges.Hardness`). Chosen by `python -m perf.guard`."""

SPAN_X2, SPAN_X2_16BIT = pixel_networks(
    "span_x2", SOURCES["span_x2"], _span_x2, scale=2, bounds=BOUNDS, hardness=HARDNESS[2]
)
SPAN_X4, SPAN_X4_16BIT = pixel_networks(
    "span_x4", SOURCES["span_x4"], _span_x4, scale=4, bounds=BOUNDS, hardness=HARDNESS[4]
)
# Without a twin for 16 bits: it would be 67 MB more, of a network that invents detail. Smaller pictures than the
# others' to check on: it costs forty times as much.
REALESRGAN_X4PLUS = pixel_network(
    "realesrgan_x4plus",
    SOURCES["realesrgan_x4plus"],
    _realesrgan,
    scale=4,
    bounds=(2.0, 3.0),
    shapes=((1, 48, 48), (1, 32, 56), (3, 40, 32)),
)


def _references() -> "Sequence[Reference]":
    from export import references

    return references.super_resolution()


RECIPE = Recipe(
    task="super_resolution",
    summary="enlarge a picture 2 or 4 times",
    plan=lambda _: Plan(networks=(SPAN_X2, SPAN_X4, REALESRGAN_X4PLUS, SPAN_X2_16BIT, SPAN_X4_16BIT)),
    references=_references,
)
