"""Networks from picture to picture: uint8 [n, h, w, 3] in and out, with everything between inside the graph.

The wrapped module works on float32 [n, 3, h, w] in 0..1. Uint8 at the border is a quarter of the bytes to
copy, and leaves the serving side nothing to do in Python.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.ports import NUMBERS, PIXELS, Ports
from export.recipe import Facts, Network
from export.sources import Weights

if TYPE_CHECKING:
    from torch import nn

Build = Callable[[Mapping[str, bytes]], "nn.Module"]
"""File name -> content, to a module with its weights loaded: (image float32 [n, 3, h, w] in 0..1, then any
`extra` inputs float32 [n]) -> float32 [n, 3, h * scale, w * scale]."""

MAX_LEVELS = 1
"""Grey levels by which onnxruntime and torch may differ: sums in another order can fall on the other side of
.5."""
MAX_MEAN = 1e-3
"""Mean difference in grey levels: one pixel value in a thousand."""


def pixel_network(
    name: str,
    weights: Weights,
    build: Build,
    *,
    scale: int = 1,
    extra: Mapping[str, Sequence[float]] | None = None,
    shapes: Sequence[tuple[int, int, int]] = ((1, 64, 64), (1, 48, 96), (3, 80, 48)),
) -> Network:
    """A network with input `image` uint8 RGB [n, h, w, 3] and output `output` uint8 RGB [n, h * scale, w *
    scale, 3].

    Values are divided by 255 on the way in; on the way out multiplied, clamped to 0..255 and rounded half to
    even. `extra`: further inputs, float32 [n], name -> values to check parity at. `shapes`: (n, h, w) to
    check parity at.
    """
    values = extra or {}

    def make(files: Mapping[str, bytes], folder: Path) -> Facts:
        import torch

        from export import cpu_precision, onnx_export, parity
        from export.pixel_graph import PixelGraph

        graph = PixelGraph(build(files)).eval()
        path = folder / f"{name}.onnx"
        free = {0: "n"}
        onnx_export.write(
            graph,
            path,
            inputs={
                "image": torch.zeros(2, 32, 48, 3, dtype=torch.uint8),
                **{key: torch.ones(2) for key in values},
            },
            outputs=["output"],
            dynamic_axes={
                "image": free | {1: "h", 2: "w"},
                "output": free | {1: "output_h", 2: "output_w"},
                **dict.fromkeys(values, free),
            },
        )

        def reference(feed: parity.Arrays) -> dict[str, Any]:
            with torch.inference_mode():
                return {"output": graph(*(torch.from_numpy(array) for array in feed.values())).numpy()}

        feeds: list[parity.Arrays] = [
            {
                "image": parity.photo(n, h, w),
                **{key: np.resize(np.asarray(points, np.float32), n + i)[i:] for key, points in values.items()},
            }
            for i, (n, h, w) in enumerate(shapes)
        ]
        found = parity.compare(path, reference, feeds, max_abs=MAX_LEVELS, max_mean=MAX_MEAN)
        parity.batch_invariance(path, max(feeds, key=lambda feed: len(feed["image"])))
        return {
            "parameters": onnx_export.parameters(graph),
            "parity": found | {"unit": "grey levels of 255"},
            "cpu_precisions": cpu_precision.measure(path, feeds),
        }

    ports = Ports({"image": PIXELS, **dict.fromkeys(values, NUMBERS)}, {"output": PIXELS})
    return Network(
        name=name, weights=weights, make=make, scale=scale, settings={"graph": 1, "cpu_precisions": 2}, ports=ports
    )
