"""Flat areas through a denoiser that shifts them."""

import torch
from torch import Tensor, nn

from export.flat import KeepFlat, flatness


class Shifting(nn.Module):
    def forward(self, image: Tensor, sigma: Tensor) -> Tensor:
        return image + sigma.reshape(-1, 1, 1, 1)


def test_a_flat_area_of_any_colour_comes_back_as_it_is() -> None:
    image = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 40, 40)
    assert torch.equal(KeepFlat(Shifting())(image, torch.tensor([0.03])), image)


def test_noise_and_texture_are_the_network_s() -> None:
    noise = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 15 / 255
    for level in (0.0, 0.5, 1.0):  # clipped at black and at white
        image = torch.clamp(level + noise, 0, 1)
        assert torch.equal(KeepFlat(Shifting())(image, torch.full((2,), 0.03)), image + 0.03)


def test_the_border_of_a_flat_area_is_soft_and_lies_inside_it() -> None:
    image = torch.zeros(1, 3, 40, 40)
    image[..., 20:] = 1
    flat = flatness(image)[0, 0, 20]
    assert flat[:13].eq(1).all()
    assert flat[18:22].eq(0).all()
    assert flat[27:].eq(1).all()
    assert (flat[:20].diff() <= 0).all()
    assert flat[:20].diff().abs().max() < 0.4
