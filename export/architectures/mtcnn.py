"""The three networks of MTCNN, with pictures in and plain numbers out.

Architecture: K. Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
2016 (the PReLU variant of the authors' release). Layer names follow the state dicts that facenet-pytorch
carries, so that they load strictly. Pixels come as float32 0-255, because they are averages whose
fractions decide between candidates, and are normalised to (value - 127.5) / 128 inside the graph.
"""

import io
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from export.errors import ExportError


def _normalised(image: Tensor) -> Tensor:
    """RGB 0-255, float32 `[n, h, w, 3]` -> float32 `[n, 3, h, w]`, about -1..1."""
    return (image.permute(0, 3, 1, 2) - 127.5) / 128


def _flattened(features: Tensor) -> Tensor:
    """`[n, c, h, w]` -> `[n, w * h * c]`: the dense layers were trained on column-major maps, channels
    last."""
    return features.permute(0, 3, 2, 1).flatten(1)


class PNet(nn.Module):
    """Proposals: judges every 12 x 12 window, 2 pixels apart. 6,632 parameters.

    `image` float32 `[n, h, w, 3]`, h and w at least 12 -> `score` float32 `[n, rows, columns]` (probability of
    a face, 0-1) and `offsets` float32 `[n, rows, columns, 4]` (left, top, right, bottom edge, in window
    sides), where rows = ceil((h - 2) / 2) - 4, columns likewise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.pool1(self.prelu1(self.conv1(_normalised(image))))
        features = self.prelu3(self.conv3(self.prelu2(self.conv2(features))))
        score = self.conv4_1(features).softmax(1)[:, 1]
        return score, self.conv4_2(features).permute(0, 2, 3, 1)


class RNet(nn.Module):
    """Refinement: judges one candidate. 100,178 parameters.

    `image` float32 `[n, 24, 24, 3]` -> `score` float32 `[n]` (0-1) and `offsets` float32 `[n, 4]` (in box
    sides).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = nn.PReLU(64)
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.pool1(self.prelu1(self.conv1(_normalised(image))))
        features = self.pool2(self.prelu2(self.conv2(features)))
        features = _flattened(self.prelu3(self.conv3(features)))
        features = self.prelu4(self.dense4(features))
        return self.dense5_1(features).softmax(1)[:, 1], self.dense5_2(features)


class ONet(nn.Module):
    """Output: judges one candidate and places its landmarks. 389,040 parameters.

    `image` float32 `[n, 48, 48, 3]` -> `score` float32 `[n]` (0-1), `offsets` float32 `[n, 4]` and `landmarks`
    float32 `[n, 5, 2]` (x, y from the box's left top corner; both in box sides).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = nn.PReLU(128)
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.pool1(self.prelu1(self.conv1(_normalised(image))))
        features = self.pool2(self.prelu2(self.conv2(features)))
        features = self.pool3(self.prelu3(self.conv3(features)))
        features = _flattened(self.prelu4(self.conv4(features)))
        features = self.prelu5(self.dense5(features))
        score = self.dense6_1(features).softmax(1)[:, 1]
        # The last layer lists five x, then five y.
        landmarks = self.dense6_3(features).unflatten(1, (2, 5)).transpose(1, 2)
        return score, self.dense6_2(features), landmarks


def from_state_dict(network: nn.Module, file: bytes) -> nn.Module:
    """`network` with the weights of a `.pt` state dict (tensors only, no pickled code). Raises ExportError."""
    state = torch.load(io.BytesIO(file), weights_only=True, map_location="cpu")
    if not isinstance(state, Mapping):
        raise ExportError(f"An MTCNN file must hold a state dict, got {type(state).__name__}.")
    network.load_state_dict(state, strict=True)
    return network.eval()
