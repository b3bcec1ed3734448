"""Denoising: FFDNet, told the strength of the noise for each picture of a batch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from export.pixels import pixel_networks
from export.recipe import Plan, Recipe
from export.sources import SOURCES

if TYPE_CHECKING:
    from torch import nn

    from export.reference import Reference


def _ffdnet(files: Mapping[str, bytes]) -> "nn.Module":
    from export.architectures import ffdnet
    from export.flat import KeepFlat

    return KeepFlat(ffdnet.from_state_dict(files["ffdnet_color.pth"]))


BOUNDS = (1.25, 2.0)
"""Of the guard. A denoised pixel lies within the range of the noisy ones around it, so the ratio is 1 at most where the
network works as it should."""

FFDNET_COLOR, FFDNET_COLOR_16BIT = pixel_networks(
    "ffdnet_color",
    SOURCES["ffdnet_color"],
    _ffdnet,
    bounds=BOUNDS,
    settings={"flat": 1},
    extra={"sigma": (15.0, 50.0, 0.0, 75.0)},
)


def _references() -> "Sequence[Reference]":
    from export import references

    return references.denoise()


RECIPE = Recipe(
    task="denoise",
    summary="take the noise out of a picture",
    plan=lambda _: Plan(networks=(FFDNET_COLOR, FFDNET_COLOR_16BIT)),
    references=_references,
)
