"""The four networks of an image_to_image version: traced, written, checked against torch one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from export import onnx_export, parity
from export.diffusion import graphs
from export.errors import ExportError

EXTERNAL_BYTES = 1_500_000_000
"""Weights above this go into a file beside the graph: protobuf ends at 2 GiB, and TensorRT copies what is inline."""
RELATIVE = {"fp32": 1e-3, "fp16": 3e-2}
"""Largest difference from the fp32 torch module, relative to the largest value of the output. At full size 1e-6 is
usual in fp32; a random VAE of few channels amplifies the order of a sum to 1e-4."""
LEVELS = {"fp32": 1.0, "fp16": 6.0}
"""The same for pictures, in grey levels."""

Feed = Mapping[str, NDArray[Any]]
_PIXELS = {0: "n", 1: "h", 2: "w"}
_CELLS = {0: "n", 2: "h8", 3: "w8"}
_ITEMS = {0: "n"}
_AXES = {
    "tokens": _ITEMS,
    "context": _ITEMS,
    "timestep": _ITEMS,
    "guidance": _ITEMS,
    "finite": _ITEMS,
    "latent": _CELLS,
    "mean": _CELLS,
    "std": _CELLS,
    "prediction": _CELLS,
    "image": _PIXELS,
}


@dataclass(frozen=True)
class Graph:
    """One network before it is written: the torch module, its outputs and example inputs."""

    module: nn.Module
    outputs: Sequence[str]
    feeds: Callable[[], Iterator[Feed]]
    """Inputs to trace with (the first) and to check at (all): mixed batch sizes, shapes and timesteps."""


def text_encoder(encoder: Any, length: int) -> Graph:
    """`tokens` -> `context`; see TextEncoderGraph. `length`: tokens of a prompt, padding included."""

    def feeds() -> Iterator[Feed]:
        for n in (2, 1, 3):
            tokens = np.random.default_rng(n).integers(0, encoder.config.vocab_size, (n, length))
            yield {"tokens": tokens.astype(np.int64)}

    return Graph(graphs.TextEncoderGraph(encoder), ("context",), feeds)


def vae_encoder(vae: Any) -> Graph:
    """`image` -> `mean`, `std`; see VaeEncoderGraph."""

    def feeds() -> Iterator[Feed]:
        for n, height, width in ((2, 64, 96), (1, 128, 64)):
            yield {"image": parity.photo(n, height, width)}

    return Graph(graphs.VaeEncoderGraph(vae), ("mean", "std"), feeds)


def unet(model: Any, length: int) -> Graph:
    """`latent`, `timestep`, `context` (and `guidance`) -> `prediction`; see UNetGraph."""
    config = model.config
    cell = 2 ** (len(config.block_out_channels) - 1)

    def feeds() -> Iterator[Feed]:
        for n, height, width in ((2, 2, 1), (3, 1, 3)):
            draw = np.random.default_rng(n).standard_normal
            feed: dict[str, NDArray[Any]] = {
                "latent": draw((n, config.in_channels, height * cell, width * cell), np.float32),
                "timestep": np.linspace(1, 998.7, n, dtype=np.float32),
                "context": draw((n, length, config.cross_attention_dim), np.float32),
            }
            if config.time_cond_proj_dim is not None:
                feed["guidance"] = draw((n, config.time_cond_proj_dim), np.float32)
            yield feed

    return Graph(graphs.UNetGraph(model), ("prediction",), feeds)


def vae_decoder(vae: Any) -> Graph:
    """`latent` -> `image`, `finite`; see VaeDecoderGraph."""

    def feeds() -> Iterator[Feed]:
        for n, height, width in ((2, 8, 12), (1, 16, 8)):
            draw = np.random.default_rng(n).standard_normal
            yield {"latent": draw((n, vae.config.latent_channels, height, width), np.float32)}

    return Graph(graphs.VaeDecoderGraph(vae), ("image", "finite"), feeds)


def write(graph: Graph, path: Path, dtype: str) -> dict[str, Any]:
    """Write the graph as `path` in `dtype` (fp32 | fp16) and hold onnxruntime against the fp32 module.

    Returns facts for `networks.json`: parameters, dtype, parity. Raises ExportError.
    """
    module = graph.module.eval()
    # Before the weights are halved, since a second copy of them may not fit into memory.
    expected = [_torch(graph, feed) for feed in graph.feeds()]
    parameters = onnx_export.parameters(module)
    if dtype == "fp16":
        module.half()
    example = {name: torch.from_numpy(value) for name, value in next(graph.feeds()).items()}
    onnx_export.write(
        module,
        path,
        inputs=example,
        outputs=graph.outputs,
        dynamic_axes={name: _AXES[name] for name in (*example, *graph.outputs)},
        external_data=parameters * (2 if dtype == "fp16" else 4) > EXTERNAL_BYTES,
    )
    worst = _differences(path, graph, expected, dtype)
    return {"parameters": parameters, "dtype": dtype, "parity": worst}


def _differences(path: Path, graph: Graph, expected: Sequence[Feed], dtype: str) -> dict[str, float]:
    session = parity.session(path)
    worst = dict.fromkeys(graph.outputs, 0.0)
    for feed, wanted in zip(graph.feeds(), expected, strict=True):
        found = dict(zip(graph.outputs, session.run(list(graph.outputs), dict(feed)), strict=True))
        shapes = {name: value.shape for name, value in feed.items()}
        for name, value in wanted.items():
            if found[name].shape != value.shape:
                raise ExportError(
                    f"{path.name}: for inputs {shapes}, {name} has shape {found[name].shape} in onnxruntime, "
                    f"{value.shape} in torch."
                )
            picture = name == "image"
            peak = 1.0 if picture else max(1e-6, float(np.abs(value).max()))
            difference = float(np.abs(found[name].astype(np.float64) - value).max()) / peak
            allowed = 0.0 if name == "finite" else (LEVELS if picture else RELATIVE)[dtype]
            # Written so that a difference that is not a number is refused too.
            if not difference <= allowed:
                raise ExportError(
                    f"{path.name}: for inputs {shapes}, {name} differs between onnxruntime and torch by "
                    f"{difference:g}{' grey levels' if picture else ' of its largest value'}; allowed are {allowed:g}."
                )
            worst[name] = max(worst[name], difference)
    return worst


def _torch(graph: Graph, feed: Feed) -> dict[str, NDArray[Any]]:
    with torch.no_grad():
        outputs = graph.module(*(torch.from_numpy(value) for value in feed.values()))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return {name: output.numpy() for name, output in zip(graph.outputs, outputs, strict=True)}
