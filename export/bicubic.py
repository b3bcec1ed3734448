"""Bicubic enlargement as a convolution, so that every runtime computes the same."""

import torch
from torch import Tensor


def bicubic_kernel(scale: int, channels: int = 3) -> Tensor:
    """Weights float32 [channels * scale * scale, channels, 5, 5] of a convolution that enlarges each channel, its
    output pixels in the order of PixelShuffle. a = -0.5, as in Pillow."""
    at = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    taps = _cubic(at[:, None] - torch.arange(-2, 3, dtype=torch.float64))
    both = torch.einsum("ai,bj->abij", taps, taps).reshape(scale * scale, 5, 5)
    kernel = torch.zeros(channels, scale * scale, channels, 5, 5, dtype=torch.float64)
    for channel in range(channels):
        kernel[channel, :, channel] = both
    return kernel.reshape(-1, channels, 5, 5).to(torch.float32)


def _cubic(distance: Tensor) -> Tensor:
    """Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5."""
    t = distance.abs()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return torch.where(t <= 1, near, torch.where(t < 2, far, torch.zeros_like(t)))
