"""The guard of a pixel network: what it replaces, what it leaves, and that no number gets past it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from darkroom.openvino_runner import OpenVinoRunner
from demo import metrics
from export import onnx_export, parity
from export.edges import EdgeContrast, Hardness, stretched
from export.errors import ExportError
from export.guard import REACH, Bounds, Guard, as_levels
from export.pixel_graph import PixelGraph

BOUNDS = Bounds(1.25, 2.0)
Levels = NDArray[np.uint8]


class Enlarging(nn.Module):
    """Every pixel repeated, then `spoil` applied to the square of input pixels (20..28, 24..40)."""

    def __init__(self, scale: int, spoil: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.scale, self.spoil = scale, spoil

    def forward(self, image: Tensor) -> Tensor:
        enlarged = image.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        rows, columns = torch.arange(enlarged.shape[2]) // self.scale, torch.arange(enlarged.shape[3]) // self.scale
        inside = ((rows >= 20) & (rows < 28))[:, None] & ((columns >= 24) & (columns < 40))[None]
        return torch.where(inside, self.spoil(enlarged), enlarged)


SPOILS: dict[str, Callable[[Tensor], Tensor]] = {
    "diverging": lambda x: x * 40 - 15,
    "huge": lambda x: x * 1e30,
    "infinite": lambda x: x / 0.0,
    "not a number": lambda x: x * float("nan"),
}


def run(network: nn.Module, scale: int, image: Levels) -> tuple[Levels, Levels]:
    with torch.inference_mode():
        output, guarded = PixelGraph(network, scale, BOUNDS).eval()(torch.from_numpy(image))
    return output.numpy(), guarded.numpy()


def bicubic(image: Levels, scale: int) -> Levels:
    size = (image.shape[1] * scale, image.shape[0] * scale)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("scale", [2, 4])
def test_the_fallback_is_bicubic(scale: int) -> None:
    image = parity.photo(1, 40, 56)
    planes = torch.from_numpy(image).permute(0, 3, 1, 2).float()
    found = nn.functional.pixel_shuffle(Guard(scale, BOUNDS).fallback(planes), scale)[0].permute(1, 2, 0).numpy()
    edge = 3 * scale  # Pillow rounds twice, and weights the pixels that are there; the guard repeats the outermost
    inner = np.s_[edge:-edge, edge:-edge]
    assert np.abs(found.clip(0, 255) - bicubic(image[0], scale))[inner].max() < 1.6


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_what_diverges_is_replaced_by_the_enlarged_input(spoil: Callable[[Tensor], Tensor], scale: int) -> None:
    image = parity.photo(1, 64, 80)

    output, guarded = run(Enlarging(scale, spoil), scale, image)

    assert (guarded[0, 20:28, 24:40] == 255).all()
    inside = np.s_[20 * scale : 28 * scale, 24 * scale : 40 * scale]
    expected = bicubic(image[0], scale) if scale > 1 else image[0]
    assert np.abs(output[0][inside].astype(int) - expected[inside]).max() <= 1


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_away_from_the_divergence_the_network_s_own_pixels_are_used(scale: int) -> None:
    image = parity.photo(1, 64, 80)

    output, guarded = run(Enlarging(scale, SPOILS["not a number"]), scale, image)

    own = image[0].repeat(scale, 0).repeat(scale, 1)
    kept = guarded[0].repeat(scale, 0).repeat(scale, 1) == 0
    np.testing.assert_array_equal(output[0][kept], own[kept])
    far = np.ones((64, 80), bool)
    far[20 - REACH : 28 + REACH, 24 - REACH : 40 + REACH] = False
    assert (guarded[0][far] == 0).all()
    assert 0 < (guarded == 255).mean() < (guarded > 0).mean() < 0.2


def test_a_network_that_works_keeps_every_bit() -> None:
    image, sound = parity.photo(2, 64, 80), Enlarging(2, lambda x: x * 1.01)

    output, guarded = run(sound, 2, image)

    with torch.inference_mode():
        plain = sound(torch.from_numpy(image).permute(0, 3, 1, 2).float() / 255)
    expected = torch.round(torch.clamp(plain * 255, 0, 255)).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(output, expected)
    assert not guarded.any()


def test_the_smallest_weight_is_told() -> None:
    weight = torch.tensor([0.0, 1e-6, 0.5, 1.0]).reshape(1, 1, 1, 4)
    assert as_levels(weight).tolist() == [[[0, 1, 128, 255]]]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_bounds_that_make_no_ramp_are_refused(low: float, high: float) -> None:
    with pytest.raises(ExportError, match="bounds of a guard must be 0 < low < high"):
        Bounds(low, high)


class Hot(nn.Module):
    """Diverges on white alone: a picture of a batch must not change its neighbours."""

    def forward(self, image: Tensor) -> Tensor:
        enlarged = nn.functional.pixel_shuffle(image.repeat_interleave(4, 1), 2)
        return torch.where(enlarged >= 1, enlarged * 1e38 * 1e38, enlarged)


@pytest.fixture(scope="module")
def hot_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hot") / "hot.onnx"
    axes = {0: "n", 1: "h", 2: "w"}
    outputs = ["output", "guarded"]
    onnx_export.write(
        PixelGraph(Hot(), 2, BOUNDS),
        path,
        {"image": torch.zeros(2, 16, 24, 3, dtype=torch.uint8)},
        outputs,
        {"image": axes, "output": {0: "n", 1: "output_h", 2: "output_w"}, "guarded": axes},
    )
    return path


def hot_pictures() -> Levels:
    images = np.minimum(parity.photo(3, 40, 56), 254)
    images[1, 12:20, 8:30] = 255
    return images


def test_the_exported_guard_does_what_torch_does(hot_file: Path) -> None:
    images = hot_pictures()
    expected = run(Hot(), 2, images)

    for found, wanted in zip(parity.session(hot_file).run(None, {"image": images}), expected, strict=True):
        assert np.abs(found.astype(int) - wanted).max() <= 1
    assert (expected[1][1, 12:20, 8:30] == 255).all()
    assert not expected[1][[0, 2]].any()
    parity.batch_invariance(hot_file, {"image": images})


def test_openvino_s_guard_does_what_onnxruntime_s_does(hot_file: Path) -> None:
    images = hot_pictures()
    runner = OpenVinoRunner(hot_file, "f32", threads=1)
    expected = parity.session(hot_file).run(None, {"image": images})
    for found, wanted in zip(runner.run((images,)), expected, strict=True):
        assert np.abs(found.astype(int) - wanted).max() <= 1
    runner.close()


def test_sixteen_bits_keep_their_levels(tmp_path: Path) -> None:
    class Copy(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return nn.functional.pixel_shuffle(image.repeat_interleave(4, 1), 2)

    path, axes = tmp_path / "copy.onnx", {0: "n", 1: "h", 2: "w"}
    onnx_export.write(
        PixelGraph(Copy(), 2, BOUNDS, bits=16),
        path,
        {"image": torch.zeros(1, 16, 24, 3, dtype=torch.int32)},
        ["output", "guarded"],
        {"image": axes, "output": {0: "n", 1: "output_h", 2: "output_w"}, "guarded": axes},
        wide=("image", "output"),
    )
    ramp = np.arange(65536, dtype=np.uint16).reshape(1, 64, 1024, 1).repeat(3, axis=3)

    output, guarded = parity.session(path).run(None, {"image": ramp})

    assert output.dtype == np.uint16
    np.testing.assert_array_equal(output, ramp.repeat(2, axis=1).repeat(2, axis=2))
    assert not guarded.any()


EDGES = Hardness(0.5, 0.15)


def test_a_picture_without_hard_edges_reaches_the_network_bit_for_bit() -> None:
    image = torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.3

    softer, stretch = EdgeContrast(2, EDGES)(image)

    assert torch.equal(softer, image)
    assert not stretch.any()


@pytest.mark.parametrize(
    ("dark", "light"), [((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((1.0, 0.0, 1.0), (0.0, 1.0, 0.0))], ids=["grey", "colour"]
)
def test_hard_edges_reach_the_network_with_less_contrast_and_come_back_whole(
    dark: tuple[float, ...], light: tuple[float, ...]
) -> None:
    left = torch.arange(48) < 24
    image = torch.where(left, torch.tensor(dark)[:, None], torch.tensor(light)[:, None])[None, :, None].repeat(
        1, 1, 40, 1
    )
    edges = EdgeContrast(2, EDGES)

    softer, stretch = edges(image)

    at_edge = softer[0, :, 20, 22:26]
    assert (at_edge.amax(1) - at_edge.amin(1)).max() < 0.55
    repeated = softer.repeat_interleave(4, 1)
    back = stretched(repeated, stretch)
    assert (back[..., 24 - 5 : 24 + 5] - image.repeat_interleave(4, 1)[..., 24 - 5 : 24 + 5]).abs().max() < 0.15


class Blurring(nn.Module):
    """An enlargement that loses what is finer than nine pixels, without ever diverging."""

    def forward(self, image: Tensor) -> Tensor:
        soft = nn.functional.avg_pool2d(image, 9, stride=1, padding=4, count_include_pad=False)
        return nn.functional.pixel_shuffle(soft.repeat_interleave(4, 1), 2)


def test_no_block_is_worse_than_the_tolerance() -> None:
    image = np.zeros((1, 96, 96, 3), np.uint8)
    image[0, ::8, :48] = 255  # lines on the left half alone
    graph = PixelGraph(Blurring(), 2, Bounds(1e6, 2e6, 16.0))

    with torch.inference_mode():
        output, guarded = (array.numpy() for array in graph(torch.from_numpy(image)))
        plain, _ = (array.numpy() for array in PixelGraph(Blurring(), 2, Bounds(1e6, 2e6))(torch.from_numpy(image)))

    assert metrics.block_errors(plain[0], image[0]).max() > 60
    assert metrics.block_errors(output[0], image[0]).max() < 20
    assert (guarded[0, :, :40] > 0).all()
    assert not guarded[0, :, 64:].any()
    np.testing.assert_array_equal(output[0, :, 128:], plain[0, :, 128:])
