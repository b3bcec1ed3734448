"""MTCNN's networks as recipe entries: plain float arrays in and out, checked against torch on a photograph."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.ports import Ports
from export.recipe import Facts, Network
from export.sources import SOURCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_DIFFERENCE = 2e-5
"""Between onnxruntime and torch: probabilities and offsets are of the order of one."""


def detector(name: str, module: str, outputs: tuple[str, ...], side: int | None) -> Network:
    """Row `name` of the weights table, exported with class `module` of `export.architectures.mtcnn`.

    Input `image` float32 RGB 0-255 [n, side, side, 3] (any h, w of at least 12 where `side` is None), outputs
    as the class says, all float32.
    """

    def make(files: Mapping[str, bytes], folder: Path) -> Facts:
        import torch

        from export import onnx_export, parity
        from export.architectures import mtcnn

        (content,) = files.values()
        network = mtcnn.from_state_dict(getattr(mtcnn, module)(), content)
        path = folder / f"{name}.onnx"
        maps = {1: "rows", 2: "columns"} if side is None else {}
        onnx_export.write(
            network,
            path,
            inputs={"image": torch.zeros(2, side or 40, side or 32, 3)},
            outputs=outputs,
            dynamic_axes={
                "image": {0: "n"} | ({1: "h", 2: "w"} if side is None else {}),
                **{output: {0: "n"} | maps for output in outputs},
            },
        )

        def reference(feed: parity.Arrays) -> dict[str, Any]:
            with torch.inference_mode():
                found = network(torch.from_numpy(feed["image"]))
            return {output: array.numpy() for output, array in zip(outputs, found, strict=True)}

        shapes = ((1, 12, 12), (2, 64, 64), (3, 61, 94)) if side is None else ((1, side, side), (5, side, side))
        feeds = [{"image": _photo(*shape)} for shape in shapes]
        found = parity.compare(path, reference, feeds, max_abs=MAX_DIFFERENCE)
        parity.batch_invariance(path, feeds[-1])
        # What a detector finds decides what the job does next, so a simulated device must run it for real.
        return {
            "parameters": onnx_export.parameters(network),
            "parity": found,
            "simulated": "compute",
            "half_precision": False,
        }

    more = 2 if side is None else 0  # axes: a value for each place of a picture of any size
    ranks = {"score": 1 + more, "offsets": 2 + more, "landmarks": 3 + more}
    ports = Ports({"image": ("float32", 4)}, {output: ("float32", ranks[output]) for output in outputs})
    return Network(name=name, weights=SOURCES[name], make=make, settings={"graph": 1}, ports=ports)


def _photo(n: int, height: int, width: int) -> "NDArray[np.float32]":
    from export import parity

    return parity.photo(n, height, width).astype(np.float32)
