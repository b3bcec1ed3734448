"""The uint8 coat around a pixel network, as a torch module."""

import torch
from torch import Tensor, nn


class PixelGraph(nn.Module):
    """uint8 [n, h, w, 3] -> the wrapped network on float32 [n, 3, h, w] in 0..1 -> uint8 [n, h * s, w * s,
    3].

    The result is clamped to 0..255, then rounded half to even (ONNX Round and torch.round agree on that).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, *extra: Tensor) -> Tensor:
        """`extra`: the network's further inputs, handed on as they are."""
        planes = image.permute(0, 3, 1, 2).to(torch.float32) / 255.0
        restored = self.network(planes, *extra)
        levels = torch.round(torch.clamp(restored * 255.0, 0.0, 255.0)).to(torch.uint8)
        return levels.permute(0, 2, 3, 1)
