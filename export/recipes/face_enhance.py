"""Face enhancement: MTCNN finds the faces, Real-ESRGAN (or a restorer that the user brings) restores their crops,
FFDNet denoises what lies around them, SPAN enlarges it.

    python -m export face_enhance --restorer GFPGANv1.4.onnx

publishes a new version that restores with that file.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.detectors import detector
from export.errors import ExportError
from export.recipe import Facts, Plan, Recipe
from export.recipes.denoise import FFDNET_COLOR
from export.recipes.super_resolution import REALESRGAN_X4PLUS, SPAN_X2, SPAN_X4
from export.restorer import entry

if TYPE_CHECKING:
    from export.reference import Reference

NETWORKS = (
    detector("mtcnn_pnet", "PNet", ("score", "offsets"), side=None),
    detector("mtcnn_rnet", "RNet", ("score", "offsets"), side=24),
    detector("mtcnn_onet", "ONet", ("score", "offsets", "landmarks"), side=48),
    REALESRGAN_X4PLUS,
    SPAN_X2,
    SPAN_X4,
    FFDNET_COLOR,
)


def plan(arguments: argparse.Namespace) -> Plan:
    """The networks of version 1, or a new version with the user's restorer besides."""
    if arguments.restorer is None:
        return Plan(networks=NETWORKS)
    request = entry.Request(
        path=arguments.restorer,
        name=arguments.restorer_name,
        values=arguments.restorer_range,
        weight=arguments.restorer_weight,
        licence=arguments.restorer_licence,
    )
    if not 0 <= request.weight <= 1:
        raise ExportError(f"--restorer-weight must be from 0 to 1, got {request.weight:g}.")
    restorer = entry.network(request)
    if any(restorer.name == network.name for network in NETWORKS):
        raise ExportError(f"--restorer-name must differ from the names of the other networks, got {restorer.name}.")
    found: dict[str, Any] = {}

    def check(folder: Path) -> Mapping[str, Facts]:
        # The file itself tells what it takes, also where an earlier export of it was linked instead of made again.
        found.update(entry.ports(folder / f"{restorer.name}.onnx"))
        return {}

    def pipeline(tunables: dict[str, Any]) -> dict[str, Any]:
        kept = {network.name for network in NETWORKS}
        return entry.pipeline(tunables, restorer.name, request.weight, kept, **found)

    return Plan(networks=(*NETWORKS, restorer), new_version=True, pipeline=pipeline, check=check)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m export face_enhance`."""
    parser.add_argument(
        "--restorer",
        type=Path,
        metavar="FILE",
        help="restore faces with this ONNX file (512x512) or checkpoint (GFPGAN, CodeFormer, RestoreFormer)",
    )
    parser.add_argument(
        "--restorer-name", metavar="NAME", help="network name of the restorer; default: from the file's"
    )
    parser.add_argument(
        "--restorer-range",
        choices=("auto", "signed", "unit"),
        default="auto",
        help="pixel values of an ONNX restorer: signed is -1..1, unit is 0..1; default: tried on a portrait",
    )
    parser.add_argument(
        "--restorer-weight",
        type=float,
        default=0.5,
        metavar="W",
        help="default of the second input, 0 to 1 (CodeFormer's w); default: %(default)s",
    )
    parser.add_argument(
        "--restorer-licence",
        default="not stated by who brought the file",
        metavar="TEXT",
        help="the restorer's licence, for its record and the reports",
    )


def _references() -> "Sequence[Reference]":
    from export import references

    return references.face_enhance()


RECIPE = Recipe(
    task="face_enhance",
    summary="find faces, restore them and blend them back",
    plan=plan,
    arguments=arguments,
    references=_references,
)
