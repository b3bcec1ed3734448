"""A task of one network that gives its picture back, or a darker one: everything of a version, in milliseconds."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from darkroom.codec import Header, Image
from darkroom.engine import Job
from darkroom.options import Options
from darkroom.pipelines.task import Estimate, Task
from darkroom.pipelines.tiled import run_tiled, tiled_warm_up, tiled_work, with_pixels
from darkroom.version import ModelVersion
from demo import metrics
from demo.pictures import png
from export import gate, new, parity, run
from export.errors import ExportError
from export.ports import PIXELS, Ports
from export.recipe import Facts, Network, Plan, Recipe
from export.reference import Reference
from export.release import Request
from export.sources import Weights

TASK_NAME = "copying"
PARITY: Mapping[str, Any] = {"runs": 1, "max_abs": 0.0, "max_mean": 0.0, "allowed_max_abs": 1}


class CopyOptions(Options):
    """Nothing of its own."""


def estimate(version: ModelVersion, header: Header, options: CopyOptions) -> Estimate:
    return Estimate(tiled_work(version, version.networks["copy"], header.height, header.width), *_size(header))


def _size(header: Header) -> tuple[int, int]:
    return header.width, header.height


async def copy(job: Job, version: ModelVersion, image: Image, options: CopyOptions) -> Image:
    return with_pixels(image, await run_tiled(job, version, version.networks["copy"], image.pixels), image.alpha)


TASK = Task(TASK_NAME, CopyOptions, estimate, copy, lambda version: [tiled_warm_up(version, version.networks["copy"])])


def write_graph(path: Path, share: float = 1.0, element: int = TensorProto.UINT8) -> None:
    """image [n, h, w, 3] -> output of the same shape, every value `share` of what it was."""
    image, output = (helper.make_tensor_value_info(name, element, ["n", "h", "w", 3]) for name in ("image", "output"))
    nodes = [
        helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["values", "share"], ["less"]),
        helper.make_node("Cast", ["less"], ["output"], to=element),
    ]
    constant = helper.make_tensor("share", TensorProto.FLOAT, [], [share])
    graph = helper.make_graph(nodes, "copy", [image], [output], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def network(
    share: float = 1.0,
    *,
    name: str = "copy",
    facts: Mapping[str, Any] | None = None,
    write: Callable[[Path], None] | None = None,
) -> Network:
    """The network `copy`; `facts`: what its record states (default: parity with nothing to complain about)."""

    def make(files: Mapping[str, bytes], folder: Path) -> Facts:
        (write or partial(write_graph, share=share))(folder / f"{name}.onnx")
        return {"parameters": 1, "parity": PARITY} if facts is None else facts

    weights = Weights(f"share {share:g}", "copy", "CC0", "this test", {})
    settings = {"share": share, "facts": repr(facts), "write": repr(write)}
    return Network(name, weights, make, settings=settings, ports=Ports({"image": PIXELS}, {"output": PIXELS}))


def references() -> Sequence[Reference]:
    pixels = parity.photo(1, 96, 128)[0]
    return [
        Reference("crop", "Crop", "as it is", png(pixels), "96 rows", "NASA", original=pixels, measure=metrics.on_rgb)
    ]


def recipe(*networks: Network, **changes: Any) -> Recipe:
    return Recipe(
        TASK_NAME,
        "a test",
        lambda _: Plan(networks),
        **{"references": references, "pipeline": lambda: TASK, **changes},
    )


def model_folder(repository: Path) -> Path:
    """A model folder in `repository` whose version 1 has model.py and pipeline.json, and nothing exported yet."""
    new.write(TASK_NAME, repository)
    task = repository / TASK_NAME
    tunables = {"networks": {"copy": {}}, "engine": {"max_batch": 4}}
    (task / "1" / "pipeline.json").write_text(json.dumps(tunables, indent=2) + "\n")
    return task


def export(repository: Path, of: Recipe, request: Request | None = None, *, force: bool = False) -> Path:
    """As `python -m export copying`; with a request as `--publish`."""
    return run.export(of, argparse.Namespace(repository=repository, force=force), SAID.append, request)


def published(repository: Path, of: Recipe, **request: Any) -> Path:
    """As `python -m export copying --publish`, without the canary, whose server is tried elsewhere."""
    return export(repository, of, Request(always=True, **{"gate": without_canary, **request}))


def without_canary(candidate: Any, say: Any) -> dict[str, Any]:
    return gate.check(candidate, say, {name: step for name, step in gate.STEPS.items() if name != "canary"})


def refusal(publish: Callable[[], Any]) -> str:
    """The sentence of the ExportError that `publish` must raise."""
    try:
        publish()
    except ExportError as error:
        return str(error)
    raise AssertionError("it was published")


SAID: list[str] = []
"""What the exports of this module said."""
