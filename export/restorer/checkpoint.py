"""A restorer that comes as a checkpoint: recognised by spandrel, exported to ONNX with pixels in -1..1.

All three architectures were trained on -1..1 and are called here as their authors call them: GFPGAN with its stored
noise, so that the same face gives the same pixels, CodeFormer with its weight as a second input.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export import onnx_export, parity
from export.errors import ExportError
from export.restorer import portrait
from export.restorer.signature import SIDE

MAX_DIFFERENCE = 1.0
"""Between onnxruntime and torch, in any value: a code book's nearest entry can flip, and takes a patch along."""
MAX_MEAN = 0.02
"""The same on average: 2.5 grey levels."""


class Gfpgan(nn.Module):
    """GFPGAN (Wang et al. 2021, "Towards Real-World Blind Face Restoration with Generative Facial Prior")."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        restored: Tensor = self.model(image, return_rgb=False, randomize_noise=False)[0]
        return restored


class RestoreFormer(nn.Module):
    """RestoreFormer (Wang et al. 2022, "High-Quality Blind Face Restoration from Undegraded Key-Value Pairs")."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        restored: Tensor = self.model(image)[0]
        return restored


class CodeFormer(nn.Module):
    """CodeFormer (Zhou et al. 2022, "Towards Robust Blind Face Restoration with Codebook Lookup Transformer")."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        model.fuse_convs_dict = _BySize(model.fuse_convs_dict)

    def forward(self, image: Tensor, weight: Tensor) -> Tensor:
        restored: Tensor = self.model(image, weight)[0]
        return restored


class _BySize(nn.ModuleDict):
    """CodeFormer looks its parts up by str(size), and while a network is traced a size is a tensor."""

    def __getitem__(self, key: str) -> nn.Module:
        return super().__getitem__("".join(filter(str.isdigit, key)))


ADAPTERS: Mapping[str, type[nn.Module]] = {
    "GFPGAN": Gfpgan,
    "RestoreFormer": RestoreFormer,
    "CodeFormer": CodeFormer,
}


def export(tensors: Mapping[str, Any], folder: Path, name: str) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The checkpoint as an ONNX model on -1..1, and facts about it. `folder`: for scratch files. Raises ExportError."""
    architecture, model = recognise(tensors, name)
    network = ADAPTERS[architecture](model).eval()
    inputs = {"image": torch.zeros(1, 3, SIDE, SIDE)}
    if architecture == "CodeFormer":
        inputs["weight"] = torch.tensor(0.5)
    path = folder / "checkpoint.onnx"
    # One picture at a time: GFPGAN's modulated convolutions fold the batch into groups, which ONNX wants constant.
    onnx_export.write(network, path, inputs=inputs, outputs=["output"], dynamic_axes={})
    found = _parity(network, path, inputs)
    exported = onnx.load(str(path))
    path.unlink()
    return exported, {
        "recognised": architecture,
        "parameters": onnx_export.parameters(network),
        "parity": found | {"unit": "pixel values of -1..1"},
    }


def _parity(network: nn.Module, path: Path, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    """The exported file against torch, on the worn portrait."""
    pixels = np.ascontiguousarray(portrait.face(portrait.worn(portrait.photograph()), SIDE).transpose(2, 0, 1)[None])
    feed = {name: tensor.numpy() for name, tensor in inputs.items()} | {"image": pixels / np.float32(127.5) - 1}

    def reference(feed: parity.Arrays) -> dict[str, Any]:
        with torch.inference_mode():
            return {"output": network(*(torch.from_numpy(np.array(value)) for value in feed.values())).numpy()}

    return parity.compare(path, reference, [feed], max_abs=MAX_DIFFERENCE, max_mean=MAX_MEAN)


def recognise(tensors: Mapping[str, Any], name: str) -> tuple[str, nn.Module]:
    """The architecture's name and the module with the weights loaded. Raises ExportError."""
    from spandrel import MAIN_REGISTRY, ModelLoader, UnsupportedModelError
    from spandrel.__helpers.canonicalize import canonicalize_state_dict

    extra = _register_extra()
    try:
        found = ModelLoader(registry=MAIN_REGISTRY).load_from_state_dict(canonicalize_state_dict(dict(tensors)))
    except UnsupportedModelError:
        hint = "" if extra else " (for CodeFormer, whose licence is non-commercial, install spandrel_extra_arches)"
        raise ExportError(
            f"The restorer {name} is of no architecture that spandrel knows{hint}; bring GFPGAN, CodeFormer or "
            "RestoreFormer, or an ONNX file."
        ) from None
    except (RuntimeError, KeyError) as error:
        raise ExportError(f"The restorer {name} does not fit its architecture: {str(error).splitlines()[0]}") from None
    architecture = str(found.architecture.id)
    if architecture not in ADAPTERS:
        raise ExportError(
            f"The restorer {name} is recognised as {architecture}, which restores no faces; bring "
            f"{', '.join(ADAPTERS)}."
        )
    model: nn.Module = found.model
    return architecture, model.eval()


def _register_extra() -> bool:
    """Let spandrel know CodeFormer where its package is installed; whether it is."""
    try:
        package = importlib.import_module("spandrel_extra_arches")
    except ImportError:
        return False
    package.install(ignore_duplicates=True)
    return True
