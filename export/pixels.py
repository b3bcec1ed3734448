"""Networks from picture to picture: whole grey levels [n, h, w, 3] in and out, with everything between inside the
graph.

The wrapped module works on float32 [n, 3, h, w] in 0..1. Whole levels at the border are a quarter of the bytes to
copy, and leave the serving side nothing to do in Python. Every network is exported for pictures of 8 bits, and as
NAME_16bit for pictures of 16 bits. A guard in the graph replaces what the network gets wrong (`export.guard`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from darkroom.config import WIDE_SUFFIX
from export.ports import GUARDED, NUMBERS, PIXELS, WIDE_PIXELS, Ports
from export.recipe import Facts, Network
from export.sources import Weights

if TYPE_CHECKING:
    from torch import nn

Build = Callable[[Mapping[str, bytes]], "nn.Module"]
"""File name -> content, to a module with its weights loaded: (image float32 [n, 3, h, w] in 0..1, then any
`extra` inputs float32 [n]) -> float32 [n, 3, h * scale, w * scale]."""

MAX_LEVELS = {8: 1, 16: 8}
"""Levels by which onnxruntime and torch may differ, by bits: sums in another order can fall on the other side of .5.
8 levels of 16 bits are a thirtieth of a level of 8."""
MAX_MEAN = {8: 1e-3, 16: 0.1}
"""Mean difference in levels, by bits: one pixel value in a thousand of 8 bits."""


def pixel_networks(name: str, weights: Weights, build: Build, **how: Any) -> tuple[Network, Network]:
    """The network for pictures of 8 bits and its twin NAME_16bit for 16, as `pixel_network` makes them."""
    return (
        pixel_network(name, weights, build, **how),
        pixel_network(f"{name}{WIDE_SUFFIX}", weights, build, bits=16, **how),
    )


def pixel_network(
    name: str,
    weights: Weights,
    build: Build,
    *,
    bounds: tuple[float, ...],
    hardness: tuple[float, float] | None = None,
    scale: int = 1,
    bits: Literal[8, 16] = 8,
    extra: Mapping[str, Sequence[float]] | None = None,
    shapes: Sequence[tuple[int, int, int]] = ((1, 64, 64), (1, 48, 96), (3, 80, 48)),
    settings: Mapping[str, Any] | None = None,
) -> Network:
    """A network with input `image` RGB [n, h, w, 3] and outputs `output` RGB [n, h * scale, w * scale, 3] and `guarded`
    uint8 [n, h, w]: 0 where the network's own pixel is used, otherwise the weight of the guard's fallback.

    Pixels are uint8, or uint16 where `bits` is 16. Values are divided by 255 (65535) on the way in; on the way out
    multiplied, clamped and rounded half to even. `bounds`: the values of `export.guard.Bounds`. `hardness`: those of
    `export.edges.Hardness`, or None. `extra`: further inputs, float32 [n], name -> values to check parity at.
    `shapes`: (n, h, w) to check parity at. `settings`: what else decides the file's content.
    """
    values = extra or {}

    def make(files: Mapping[str, bytes], folder: Path) -> Facts:
        import torch

        from export import cpu_precision, onnx_export, parity
        from export.edges import Hardness
        from export.guard import Bounds
        from export.pixel_graph import PixelGraph

        edges = None if hardness is None else Hardness(*hardness)
        graph = PixelGraph(build(files), scale, Bounds(*bounds), bits, edges).eval()
        path = folder / f"{name}.onnx"
        free = {0: "n"}
        onnx_export.write(
            graph,
            path,
            inputs={
                "image": torch.zeros(2, 32, 48, 3, dtype=graph.whole),
                **{key: torch.ones(2) for key in values},
            },
            outputs=["output", "guarded"],
            dynamic_axes={
                "image": free | {1: "h", 2: "w"},
                "output": free | {1: "output_h", 2: "output_w"},
                "guarded": free | {1: "h", 2: "w"},
                **dict.fromkeys(values, free),
            },
            wide=("image", "output") if bits == 16 else (),
        )

        def reference(feed: parity.Arrays) -> dict[str, Any]:
            tensors = [torch.from_numpy(array) for array in feed.values()]
            with torch.inference_mode():
                output, guarded = graph(tensors[0].to(graph.whole), *tensors[1:])
            return {"output": output.numpy(), "guarded": guarded.numpy()}

        feeds: list[parity.Arrays] = [
            {
                "image": _pictures(bits, n, h, w),
                **{key: np.resize(np.asarray(points, np.float32), n + i)[i:] for key, points in values.items()},
            }
            for i, (n, h, w) in enumerate(shapes)
        ]
        found = parity.compare(path, reference, feeds, max_abs=MAX_LEVELS[bits], max_mean=MAX_MEAN[bits])
        parity.batch_invariance(path, max(feeds, key=lambda feed: len(feed["image"])))
        return {
            "parameters": onnx_export.parameters(graph),
            "parity": found | {"unit": f"levels of {2**bits - 1}"},
            "cpu_precisions": cpu_precision.measure(path, feeds, half=bits == 8, peak=2**bits - 1),
            **({} if bits == 8 else {"bits": bits, "half_precision": False}),
        }

    pixels = PIXELS if bits == 8 else WIDE_PIXELS
    ports = Ports({"image": pixels, **dict.fromkeys(values, NUMBERS)}, {"output": pixels, "guarded": GUARDED})
    return Network(
        name=name,
        weights=weights,
        make=make,
        scale=scale,
        settings={"graph": 2, "cpu_precisions": 3, "guard": bounds, "hardness": hardness, **(settings or {})},
        ports=ports,
    )


def _pictures(bits: int, n: int, height: int, width: int) -> Any:
    from export import parity

    pixels = parity.photo(n, height, width)
    return pixels if bits == 8 else pixels.astype(np.uint16) * np.uint16(257)
