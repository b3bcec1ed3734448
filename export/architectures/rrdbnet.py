"""RRDBNet, the generator of ESRGAN and Real-ESRGAN.

Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV workshops 2018
(arXiv:1809.00219), with the weights of "Real-ESRGAN", ICCV workshops 2021 (arXiv:2107.10833).
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from export import ncnn
from export.errors import ExportError

RESIDUAL_SCALE = 0.2
"""A residual is shrunk before it is added, at both levels of nesting; deep networks train badly without."""
SLOPE = 0.2
"""Of the leaky ReLU for negative inputs."""


def _leaky(features: Tensor) -> Tensor:
    return nn.functional.leaky_relu(features, SLOPE)


class DenseBlock(nn.Module):
    """Five 3x3 convolutions, each of which sees the input and every earlier output."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        widths = [growth] * 4 + [channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(channels + i * growth, width, 3, padding=1) for i, width in enumerate(widths)
        )

    def forward(self, features: Tensor) -> Tensor:
        seen = [features]
        for conv in self.convs[:-1]:
            seen.append(_leaky(conv(torch.cat(seen, dim=1))))
        return features + RESIDUAL_SCALE * self.convs[-1](torch.cat(seen, dim=1))


class ResidualInResidual(nn.Module):
    """Three dense blocks with a shrunk residual around them."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(channels, growth) for _ in range(3)))

    def forward(self, features: Tensor) -> Tensor:
        return features + RESIDUAL_SCALE * self.dense(features)


class RrdbNet(nn.Module):
    """float32 RGB [n, 3, h, w] in 0..1 -> [n, 3, 4 h, 4 w], not clamped."""

    def __init__(self, blocks: int = 23, channels: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualInResidual(channels, growth) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.refine = nn.Conv2d(channels, channels, 3, padding=1)
        self.output = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        head = self.head(image)
        features = head + self.tail(self.body(head))
        for conv in self.upsample:
            features = _leaky(conv(nn.functional.interpolate(features, scale_factor=2.0, mode="nearest")))
        restored: Tensor = self.output(_leaky(self.refine(features)))
        return restored


def from_ncnn(files: Mapping[str, bytes]) -> RrdbNet:
    """The network with the weights of an ncnn `.param` and `.bin` (found by their endings). Raises
    ExportError.

    The converter numbered the layers instead of naming them, so they are taken in file order, which is the
    order of computation; a wrong order would not pass the strict shapes, nor parity.
    """
    convolutions = [layer for layer in ncnn.read_files(files) if layer.kind == "Convolution"]
    # Five around the body (head, tail, two upsampling, refine) and the output; fifteen in each residual
    # block.
    blocks, rest = divmod(len(convolutions) - 6, 15)
    if blocks < 1 or rest:
        raise ExportError(f"{len(convolutions)} convolutions do not make an RRDBNet (6 and 15 for each block).")
    channels, growth = len(convolutions[0].weights["weight"]), len(convolutions[1].weights["weight"])
    # On "meta" no time goes into random numbers that the weights replace.
    with torch.device("meta"):
        network = RrdbNet(blocks, channels, growth)
    state = {
        f"{name}.{key}": torch.from_numpy(value)
        for name, layer in zip(_in_order(blocks), convolutions, strict=True)
        for key, value in layer.weights.items()
    }
    network.load_state_dict(state, strict=True, assign=True)
    network.eval()
    return network


def _in_order(blocks: int) -> Iterator[str]:
    yield "head"
    for block in range(blocks):
        for dense in range(3):
            for conv in range(5):
                yield f"body.{block}.dense.{dense}.convs.{conv}"
    yield from ("tail", "upsample.0", "upsample.1", "refine", "output")
