"""FFDNet, a denoiser that is told how strong the noise is.

Zhang, Zuo, Zhang, "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", IEEE TIP 2018
(arXiv:1710.04026); the colour network with batch normalisation merged into the convolutions.
"""

import io
import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from export.errors import ExportError

LEVELS = 255.0


class FfdNet(nn.Module):
    """RGB [n, 3, h, w] in 0..1 and sigma [n] in grey levels (0..75 of 255) -> RGB [n, 3, h, w], not clamped;
    float32.

    h and w must be even: the network works on the four half-size phases of the picture. Odd sizes fail
    instead of being padded in the graph, because tiles are cut even and padding then costs every tile for
    nothing.
    """

    def __init__(self, convolutions: int = 12, channels: int = 96) -> None:
        super().__init__()
        widths = [3 * 4 + 1, *[channels] * (convolutions - 1), 3 * 4]
        layers: list[nn.Module] = []
        for width, following in itertools.pairwise(widths):
            layers += [nn.Conv2d(width, following, 3, padding=1), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def forward(self, image: Tensor, sigma: Tensor) -> Tensor:
        phases = nn.functional.pixel_unshuffle(image, 2)
        level = (sigma / LEVELS).reshape(-1, 1, 1, 1).expand(-1, 1, phases.shape[2], phases.shape[3])
        denoised: Tensor = nn.functional.pixel_shuffle(self.model(torch.cat([phases, level], dim=1)), 2)
        return denoised


def from_state_dict(file: bytes) -> FfdNet:
    """The network with the weights of a `.pth` state dict (tensors only, no pickled code). Raises
    ExportError."""
    state = torch.load(io.BytesIO(file), weights_only=True, map_location="cpu")
    if not isinstance(state, Mapping):
        raise ExportError(f"The FFDNet file must hold a state dict, got {type(state).__name__}.")
    network = FfdNet()
    network.load_state_dict(state, strict=True)
    network.eval()
    return network
