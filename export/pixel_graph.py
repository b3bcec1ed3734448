"""The graph around a pixel network: whole grey levels in and out, and the guard, as a torch module."""

import torch
from torch import Tensor, nn

from export.edges import EdgeContrast, Hardness, stretched
from export.guard import Bounds, Guard, as_levels


class PixelGraph(nn.Module):
    """uint8 or int32 [n, h, w, 3] -> the wrapped network on float32 [n, 3, h, w] in 0..1 -> the same type [n, h * s,
    w * s, 3], and the guard's weights, uint8 [n, h, w].

    The result is clamped to 0..peak, then rounded half to even (ONNX Round and torch.round agree on that).
    """

    def __init__(
        self, network: nn.Module, scale: int, bounds: Bounds, bits: int = 8, hardness: Hardness | None = None
    ) -> None:
        """`network`: gives [n, 3, h * s, w * s], or has a method `phases` that gives [n, 3 * s * s, h, w] in the
        order of PixelShuffle. `bits` 16 works on levels 0..65535. `hardness`: from where edges reach the network with
        less contrast; None: never."""
        super().__init__()
        self.network = network
        self.scale = scale
        self.guard = Guard(scale, bounds)
        self.edges = None if hardness is None else EdgeContrast(scale, hardness)
        self.peak = float(2**bits - 1)
        self.whole = torch.uint8 if bits == 8 else torch.int32

    def forward(self, image: Tensor, *extra: Tensor) -> tuple[Tensor, Tensor]:
        """`extra`: the network's further inputs, handed on as they are."""
        planes = image.permute(0, 3, 1, 2).to(torch.float32) / self.peak
        safe, weight = self.guard(planes, self._phases(planes, *extra))
        return self._picture(torch.round(safe * self.peak)), as_levels(weight)

    def _phases(self, planes: Tensor, *extra: Tensor) -> Tensor:
        if self.edges is None:
            return self._plain_phases(planes, *extra)
        softer, stretch = self.edges(planes)
        return stretched(self._plain_phases(softer, *extra), stretch)

    def _plain_phases(self, planes: Tensor, *extra: Tensor) -> Tensor:
        if hasattr(self.network, "phases"):
            phases: Tensor = self.network.phases(planes, *extra)
            return phases
        restored: Tensor = self.network(planes, *extra)
        return restored if self.scale == 1 else nn.functional.pixel_unshuffle(restored, self.scale)

    def _picture(self, phases: Tensor) -> Tensor:
        """[n, 3 * s * s, h, w] of whole levels -> [n, h * s, w * s, 3]."""
        planes = phases if self.scale == 1 else nn.functional.pixel_shuffle(phases, self.scale)
        return planes.to(self.whole).permute(0, 2, 3, 1)
