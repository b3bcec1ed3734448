"""Lower contrast at hard edges, for networks that were trained on photographs and diverge on what is harder.

Around an edge between two neighbouring pixels that is harder than in photographs, the network gets 0.5 + c * (image -
0.5) with c below 1, and what it gives is stretched back by the same c. Elsewhere c is 1. c changes smoothly from
pixel to pixel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.bicubic import bicubic_kernel
from export.errors import ExportError

REACH = 1 + 4 + 2 + 2
"""Pixels between an input pixel and the farthest one that decides its contrast: edge, spread, two softenings."""
_PLAIN_COLOUR, _COLOUR = 0.35, 4.0
MIDDLE = 0.5
"""The grey that contrast is taken towards."""
_LUMA = (0.299, 0.587, 0.114)
_TINY = 1e-3


@dataclass(frozen=True)
class Hardness:
    """Which edges are hard. `limit`: hardness from where contrast is lowered to limit / hardness. `least`: c is never
    less. Hardness is the range of luma among 3x3 pixels (0..1), and four times what the range of colour (image - luma)
    is above 0.35: photographs hardly have harder edges of colour, and they are what networks diverge on most."""

    limit: float
    least: float

    def __post_init__(self) -> None:
        if not (self.limit > 0 and 0 < self.least <= 1):
            raise ExportError(f"Hardness needs limit > 0 and 0 < least <= 1, got {self.limit:g} and {self.least:g}.")


class EdgeContrast(nn.Module):
    """float32 [n, 3, h, w] in 0..1 -> the same with less contrast around hard edges, and by how much each output
    pixel of the network has to be stretched, as phases [n, 3 * scale * scale, h, w].

    Both are exact where no edge is hard: the image comes back bit for bit, and the stretch is 0.
    """

    luma: Tensor
    kernel: Tensor

    def __init__(self, scale: int, hardness: Hardness) -> None:
        super().__init__()
        self.hardness = hardness
        self.register_buffer("luma", torch.tensor(_LUMA).reshape(1, 3, 1, 1))
        self.register_buffer("kernel", bicubic_kernel(scale, channels=1).repeat(3, 1, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        taken = self._taken(image)
        stretch = nn.functional.pad(taken / (1 - taken), (2, 2, 2, 2), mode="replicate")
        return image - taken * (image - MIDDLE), nn.functional.conv2d(stretch, self.kernel)

    def _taken(self, image: Tensor) -> Tensor:
        """1 - c, [n, 1, h, w]."""
        luma = torch.sum(image * self.luma, dim=1, keepdim=True)
        colour = torch.amax(_range(image - luma), dim=1, keepdim=True)
        edge = _range(luma) + _COLOUR * torch.clamp(colour - _PLAIN_COLOUR, min=0.0)
        taken = torch.clamp(1 - self.hardness.limit / (edge + _TINY), 0.0, 1 - self.hardness.least)
        soft = nn.functional.max_pool2d(taken, 9, stride=1, padding=4)
        for _ in range(2):
            soft = nn.functional.avg_pool2d(soft, 5, stride=1, padding=2, count_include_pad=False)
        return soft


def stretched(phases: Tensor, stretch: Tensor) -> Tensor:
    """The network's phases with the contrast that was taken from its input given back."""
    return phases + stretch * (phases - MIDDLE)


def _range(planes: Tensor) -> Tensor:
    """Largest minus smallest of 3x3 pixels."""
    high = nn.functional.max_pool2d(planes, 3, stride=1, padding=1)
    low = -nn.functional.max_pool2d(-planes, 3, stride=1, padding=1)
    return high - low
