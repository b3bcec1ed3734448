"""The guard of a pixel network: it puts a plain enlargement where the network's own result has gone wrong.

Networks that were trained on photographs can diverge on hard edges: values far outside of 0..1, or none at all. The
guard checks each input pixel twice:

1. Divergence. What the network makes of an input pixel is compared with the bicubic enlargement of the same pixel.
   Where they differ by more than the picture around it can explain, the bicubic enlargement takes over, with a soft
   border.
2. Consistency. The result is averaged back to the size of the input. Where it is farther from the input than a
   tolerance, the input pixel itself, repeated, is mixed in, as much as brings it back to the tolerance.

Everything here works at the size of the input, on the `scale * scale` output pixels ("phases") of each input pixel as
channels, in the order of PixelShuffle. It only looks at its own picture of the batch, at most `REACH` pixels away.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.bicubic import bicubic_kernel
from export.errors import ExportError

FLOOR = 8 / 255
"""Added to the local contrast, so that flat areas have a bound too."""
REACH = 2 + 3 + 2 + 4
"""Pixels between an input pixel and the farthest one that decides whether it is guarded: contrast, dilation, border,
and the window of the consistency."""
_LEVELS = 255
_FULL = 1.05
"""The softened weight is multiplied by this and cut at 1, so that its full value survives rounding of the mean."""
_TINY = 1e-6


@dataclass(frozen=True)
class Bounds:
    """What a network may do before the guard acts.

    `low`, `high`: root mean square of (network - fallback) over an input pixel, divided by the local 5x5 range of the
    input plus 8 grey levels, where the guard begins to act and where it acts fully. `tolerance`: root mean square in
    grey levels, over 9x9 input pixels, of (result averaged back - input); infinite where the task is to change the
    input.
    """

    low: float
    high: float
    tolerance: float = math.inf

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            raise ExportError(f"The bounds of a guard must be 0 < low < high, got {self.low:g} and {self.high:g}.")
        if not self.tolerance > 0:
            raise ExportError(f"The tolerance of a guard must be more than 0 grey levels, got {self.tolerance:g}.")


class Guard(nn.Module):
    """(image float32 [n, 3, h, w] in 0..1, phases float32 [n, 3 * scale * scale, h, w]) -> safe phases, same shape, in
    0..1, and the weight of what replaces the network, float32 [n, 1, h, w] in 0..1.

    Where the weight is 0, the phases come back bit for bit, clamped. Numbers that are not finite never reach the
    result.
    """

    kernel: Tensor
    repeated: Tensor
    averaged: Tensor

    def __init__(self, scale: int, bounds: Bounds) -> None:
        """`scale` 1: the fallback is the input itself."""
        super().__init__()
        self.scale = scale
        self.bounds = bounds
        self.register_buffer("kernel", bicubic_kernel(scale))
        # Convolutions, since runtimes are fastest with them: each colour's phases to their mean, and each to its
        # phases.
        repeated = torch.eye(3).repeat_interleave(scale * scale, dim=0)[:, :, None, None]
        self.register_buffer("repeated", repeated)
        self.register_buffer("averaged", repeated.transpose(0, 1) / scale**2)

    def forward(self, image: Tensor, phases: Tensor) -> tuple[Tensor, Tensor]:
        fallback = self.fallback(image)
        difference = phases - fallback
        weight = self._soften(self._divergence(image, difference))
        # Selected, not multiplied: 0 * inf would be NaN. Below full weight every difference is known to be finite.
        safe = torch.clamp(torch.where(weight < 1, phases - weight * difference, fallback), 0.0, 1.0)
        if math.isinf(self.bounds.tolerance):
            return safe, weight
        return self._consistent(image, safe, weight)

    def fallback(self, image: Tensor) -> Tensor:
        """Bicubic (a = -0.5), as phases [n, 3 * scale * scale, h, w]; the outermost pixels are repeated outside."""
        if self.scale == 1:
            return image
        padded = nn.functional.pad(image, (2, 2, 2, 2), mode="replicate")
        return nn.functional.conv2d(padded, self.kernel)

    def _divergence(self, image: Tensor, difference: Tensor) -> Tensor:
        high = nn.functional.max_pool2d(image, 5, stride=1, padding=2)
        low = -nn.functional.max_pool2d(-image, 5, stride=1, padding=2)
        contrast = torch.amax(high - low, dim=1, keepdim=True) + FLOOR
        ratio = torch.sqrt(torch.mean(difference * difference, dim=1, keepdim=True)) / contrast
        above = torch.clamp((ratio - self.bounds.low) / (self.bounds.high - self.bounds.low), 0.0, 1.0)
        # NaN compares false with everything, so it is guarded fully, as infinity is.
        return torch.where(ratio < self.bounds.high, above, torch.ones_like(above))

    def _soften(self, weight: Tensor) -> Tensor:
        """Wider by three pixels, then a border of two: nothing of a ring around the divergence is left."""
        wider = nn.functional.max_pool2d(weight, 7, stride=1, padding=3)
        soft = nn.functional.avg_pool2d(wider, 5, stride=1, padding=2, count_include_pad=False)
        return torch.clamp(soft * _FULL, 0.0, 1.0)

    def _consistent(self, image: Tensor, phases: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        back = nn.functional.conv2d(phases, self.averaged)
        error = torch.mean(torch.square(back - image), dim=1, keepdim=True)
        around = nn.functional.avg_pool2d(error, 9, stride=1, padding=4, count_include_pad=False)
        mixed = torch.clamp(1 - self.bounds.tolerance / _LEVELS / (torch.sqrt(around) + _TINY), 0.0, 1.0)
        # The pixel itself is within 0..1 as the phases are, so mixing never leaves the range.
        result = phases + mixed * (nn.functional.conv2d(image, self.repeated) - phases)
        return result, torch.maximum(weight, mixed)


def as_levels(weight: Tensor) -> Tensor:
    """[n, 1, h, w] in 0..1 -> uint8 [n, h, w]; every weight above 0 is at least 1."""
    return torch.ceil(weight[:, 0] * _LEVELS).to(torch.uint8)
