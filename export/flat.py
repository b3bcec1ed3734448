"""Flat areas come back as they are: a denoiser that was trained on photographs shifts flat areas of saturated
colour."""

import torch
from torch import Tensor, nn

FLAT = 2 / 255
"""Range of 5x5 pixels in their most varied channel up to which the input is kept."""
NOISY = 8 / 255
"""Range from where the network's result is used. Noise of 15 grey levels has a range of some 60, and where it is
clipped at black or white still one of some 30."""


class KeepFlat(nn.Module):
    """The wrapped denoiser, (image float32 [n, 3, h, w] in 0..1, further inputs) -> the same shape, but for areas
    without noise and texture, where the input is the answer.

    The mean of an area whose noise was clipped is not its colour, so nothing is corrected there.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, *extra: Tensor) -> Tensor:
        restored: Tensor = self.network(image, *extra)
        return restored + flatness(image) * (image - restored)


def flatness(image: Tensor) -> Tensor:
    """[n, 3, h, w] -> [n, 1, h, w]: 1 where an area is flat, 0 where it is not, with a soft border inside the flat
    area."""
    high = nn.functional.max_pool2d(image, 5, stride=1, padding=2)
    low = -nn.functional.max_pool2d(-image, 5, stride=1, padding=2)
    varied = torch.clamp((torch.amax(high - low, dim=1, keepdim=True) - FLAT) / (NOISY - FLAT), 0.0, 1.0)
    wider = nn.functional.max_pool2d(varied, 5, stride=1, padding=2)
    soft = nn.functional.avg_pool2d(wider, 5, stride=1, padding=2, count_include_pad=False)
    # The mean of ones may be a rounding below 1: without the factor a trace of the input would reach textured areas.
    return 1 - torch.clamp(soft * 1.05, 0.0, 1.0)
