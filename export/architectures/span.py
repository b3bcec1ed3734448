"""SPAN, the Swift Parameter-free Attention Network for super-resolution.

Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR workshops 2024
(arXiv:2311.12770). The training-time branches of each convolution are merged into one 3x3 kernel, as
published.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from export import ncnn
from export.errors import ExportError

BLOCKS = 6
_LAYERS = {"conv_1": "head", "conv_2": "tail", "conv_cat": "merge", "upsampler": "upsample"}
"""The names the authors gave their layers (they survive in the ncnn file) -> ours."""


class AttentionBlock(nn.Module):
    """Three 3x3 convolutions; their result is its own attention map, so attention costs no parameters."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """[n, c, h, w] -> the block's output and the activation after its first convolution, same shapes."""
        first = nn.functional.silu(self.convs[0](features))
        residual = self.convs[2](nn.functional.silu(self.convs[1](first)))
        # An odd function of the residual (sigmoid shifted to zero): strong responses of either sign are kept.
        return (residual + features) * (torch.sigmoid(residual) - 0.5), first


class Span(nn.Module):
    """float32 RGB [n, 3, h, w] in 0..1 -> [n, 3, h * scale, w * scale], not clamped.

    `mean` [3, 1, 1] is taken off the input first; the network computes on a scale of 255.
    """

    mean: Tensor

    def __init__(self, scale: int, channels: int = 48) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(AttentionBlock(channels) for _ in range(BLOCKS))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.merge = nn.Conv2d(4 * channels, channels, 1)
        self.upsample = nn.Conv2d(channels, 3 * scale * scale, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, image: Tensor) -> Tensor:
        enlarged: Tensor = self.shuffle(self.phases(image))
        return enlarged

    def phases(self, image: Tensor) -> Tensor:
        """The result before its pixels are put in place: [n, 3 * scale * scale, h, w]."""
        head = self.head((image - self.mean) * 255.0)
        outputs, first = [head], head
        for block in self.blocks:
            output, first = block(outputs[-1])
            outputs.append(output)
        merged = self.merge(torch.cat([head, self.tail(outputs[-1]), outputs[1], first], dim=1))
        phases: Tensor = self.upsample(merged)
        return phases


def from_ncnn(files: Mapping[str, bytes], scale: int) -> Span:
    """The network with the weights of an ncnn `.param` and `.bin` (found by their endings). Raises
    ExportError."""
    layers = ncnn.read_files(files)
    constants = [layer.weights["data"] for layer in layers if layer.kind == "MemoryData"]
    if len(constants) != 1:
        raise ExportError(f"A SPAN network has one constant, the mean; this file has {len(constants)}.")
    state = {"mean": torch.from_numpy(constants[0].reshape(3, 1, 1))}
    for layer in layers:
        if layer.kind == "Convolution":
            state |= {f"{_our_name(layer.name)}.{key}": torch.from_numpy(v) for key, v in layer.weights.items()}
    network = Span(scale, channels=state["head.weight"].shape[0])
    network.load_state_dict(state, strict=True)
    network.eval()
    return network


def _our_name(name: str) -> str:
    # "/block_3/c2_r/eval_conv/Conv" -> "blocks.2.convs.1", "/upsampler/upsampler.0/Conv" -> "upsample"
    parts = name.strip("/").split("/")
    if parts[0].startswith("block_"):
        block, conv = int(parts[0].removeprefix("block_")), int(parts[1].strip("c_r"))
        return f"blocks.{block - 1}.convs.{conv - 1}"
    try:
        return _LAYERS[parts[0]]
    except KeyError:
        raise ExportError(f"{name} is not a layer of SPAN.") from None
