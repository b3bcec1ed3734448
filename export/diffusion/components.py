"""What an export needs of a Stable Diffusion model, wherever it comes from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

COMPONENTS = ("text_encoder", "unet", "vae")
"""Folders of a diffusers pipeline that hold weights."""


class Components(Protocol):
    """The parts of one model, float32 on the CPU, in eval mode. Each call gives a part of the caller's own, read or
    built anew: at full size they are gigabytes, so that only one of them should be in memory at a time."""

    def tokenizer(self) -> "CLIPTokenizer": ...

    def text_encoder(self) -> "CLIPTextModel": ...

    def vae(self) -> "AutoencoderKL": ...

    def unet(self) -> "UNet2DConditionModel": ...

    def scheduler_config(self) -> Mapping[str, Any]:
        """The folder's scheduler_config.json, `_class_name` included."""
        ...

    def config(self, component: str) -> Mapping[str, Any]:
        """config.json of one of `COMPONENTS`, without reading its weights."""
        ...
