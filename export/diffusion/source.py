"""A diffusers-format folder as components: checked before anything is read, safetensors only."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.digest import sha256
from export.diffusion.components import COMPONENTS
from export.errors import ExportError

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

_PIPELINES = (
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "LatentConsistencyModelPipeline",
    "LatentConsistencyModelImg2ImgPipeline",
)
CLASSES = {
    "text_encoder": "CLIPTextModel",
    "unet": "UNet2DConditionModel",
    "vae": "AutoencoderKL",
    "tokenizer": "CLIPTokenizer",
}
"""Component -> the only class of it that is supported."""
_PICKLES = ("*.bin", "*.ckpt", "*.pt", "*.pth", "*.pickle")
_FP16 = "fp16"


@dataclass(frozen=True)
class Folder:
    """Components read from a folder that `DiffusionPipeline.save_pretrained` wrote. Make one with `open_folder`."""

    path: Path

    def tokenizer(self) -> "CLIPTokenizer":
        from transformers import CLIPTokenizer

        return CLIPTokenizer.from_pretrained(self.path / "tokenizer", local_files_only=True)

    def text_encoder(self) -> "CLIPTextModel":
        from transformers import CLIPTextModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        return self._load(CLIPTextModel, "text_encoder", "model", dtype="float32")

    def vae(self) -> "AutoencoderKL":
        import torch
        from diffusers import AutoencoderKL

        return self._load(AutoencoderKL, "vae", "diffusion_pytorch_model", torch_dtype=torch.float32)

    def unet(self) -> "UNet2DConditionModel":
        import torch
        from diffusers import UNet2DConditionModel

        return self._load(UNet2DConditionModel, "unet", "diffusion_pytorch_model", torch_dtype=torch.float32)

    def scheduler_config(self) -> Mapping[str, Any]:
        return _read_json(self.path / "scheduler" / "scheduler_config.json")

    def config(self, component: str) -> Mapping[str, Any]:
        return _read_json(self.path / component / "config.json")

    def licence(self) -> str:
        """What the model card's front matter says, if the folder has one."""
        card = self.path / "README.md"
        lines = card.read_text(encoding="utf-8", errors="replace").splitlines() if card.is_file() else []
        stated = (line.partition(":")[2].strip() for line in lines[:40] if line.startswith("license:"))
        return next(stated, "not stated in the folder")

    def files(self, *components: str) -> dict[str, str]:
        """Path -> sha256 of everything that decides the components' content."""
        paths = (path for component in components for path in sorted((self.path / component).iterdir()))
        return {
            path.relative_to(self.path).as_posix(): sha256(path)
            for path in paths
            if path.suffix in (".safetensors", ".json", ".txt")
        }

    def _load(self, model: Any, component: str, stem: str, **options: Any) -> Any:
        # Half-precision copies have the variant in their name; where they are the only ones, they are what is meant.
        folder = self.path / component
        plain = any(folder.glob(f"{stem}.safetensors")) or any(folder.glob(f"{stem}-0*.safetensors"))
        variant = None if plain else _FP16
        try:
            loaded = model.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, variant=variant, **options
            )
        except (OSError, ValueError, RuntimeError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ExportError(f"{component} of {self.path.name} cannot be read: {first}") from error
        return loaded.eval()


def open_folder(path: Path) -> Folder:
    """Check that the folder is a Stable Diffusion 1 or 2 model that can be exported. Reads no weights.

    Raises ExportError that says what is wrong with which component, and what to do about it.
    """
    if path.is_file():
        raise ExportError(
            f"{path.name} is a single file; save it as a folder with diffusers first: "
            "StableDiffusionPipeline.from_single_file(...).save_pretrained(folder)."
        )
    if not (path / "model_index.json").is_file():
        raise ExportError(f"{path} is not a diffusers folder: it has no model_index.json.")
    index = _read_json(path / "model_index.json")
    if index.get("_class_name") not in _PIPELINES:
        raise ExportError(
            f"{path.name} holds a {index.get('_class_name')}; image_to_image takes {', '.join(_PIPELINES)}."
        )
    for component, expected in CLASSES.items():
        found = (index.get(component) or [None, None])[1]
        if found != expected:
            raise ExportError(f"The {component} of {path.name} is a {found}; supported is {expected}.")
    for component in COMPONENTS:
        _require_safetensors(path / component)
    folder = Folder(path)
    for complaint in _complaints(folder):
        raise ExportError(f"{path.name}: {complaint}")
    return folder


def _require_safetensors(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(file.name for pattern in _PICKLES for file in folder.glob(pattern))
    if pickles:
        raise ExportError(
            f"{folder.parent.name}/{folder.name} holds only {', '.join(pickles)}: pickles can run code when they are "
            "read and are refused. Save the model again with save_pretrained(folder, safe_serialization=True)."
        )
    raise ExportError(f"{folder.parent.name}/{folder.name} holds no weights (*.safetensors).")


def _complaints(folder: Folder) -> Iterator[str]:
    unet, vae, text = (folder.config(name) for name in ("unet", "vae", "text_encoder"))
    channels = vae.get("latent_channels", 4)
    if unet.get("in_channels", 4) != channels:
        yield (
            f"the UNet takes {unet['in_channels']} channels and the VAE makes {channels}; inpainting, depth and "
            "pix2pix models need more inputs than a picture and a prompt."
        )
    for key in ("addition_embed_type", "class_embed_type", "encoder_hid_dim", "num_class_embeds"):
        if unet.get(key) is not None:
            yield f"the UNet's configuration has {key} = {unet[key]}, an input that image_to_image does not have."
    for key in ("latents_mean", "latents_std", "shift_factor"):
        if vae.get(key) is not None:
            yield f"the VAE's configuration has {key}, which Stable Diffusion 1 and 2 do not use."
    if text.get("use_attention_mask"):
        yield "the text encoder's configuration asks for attention masks, which CLIP does not use."


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path.parent.name}/{path.name} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ExportError(f"{path.parent.name}/{path.name} must hold one JSON object.")
    return content
