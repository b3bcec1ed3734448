"""`diffusion.json`: what the exporter states about one exported Stable Diffusion model."""

import json
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from darkroom.config import ConfigError

SchedulerName = Literal["ddim", "euler", "dpmpp_2m", "lcm"]
SCHEDULERS: tuple[SchedulerName, ...] = get_args(SchedulerName)

FACTS_FILE = "diffusion.json"
TOKENIZER_FILE = "tokenizer.json"
SCHEDULER_FILE = "scheduler_config.json"


class PromptFacts(BaseModel):
    """How a prompt becomes the text encoder's `tokens` input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: Annotated[int, Field(ge=3)]
    """Tokens the text encoder takes, start and end included (CLIP: 77)."""
    start: int
    end: int
    pad: int
    """Token ids. Stable Diffusion 1 pads with the end token, 2 with token 0: the folder's tokenizer says which."""


class PreviewFacts(BaseModel):
    """A linear map from a latent to a small picture: RGB = latent @ `matrix` + `bias`, in grey levels 0..255.

    Fitted by least squares when the model is exported, so it holds for this model's own VAE.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    matrix: tuple[tuple[float, float, float], ...]
    """One row a latent channel."""
    bias: tuple[float, float, float]


class DiffusionFacts(BaseModel):
    """Everything the pipeline must know that is not in the graphs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latent_channels: PositiveInt
    latent_factor: PositiveInt
    """Pixels per latent cell, along one side (Stable Diffusion: 8)."""
    multiple: PositiveInt
    """Picture sides must be multiples of this many pixels, or the UNet's skip connections do not meet (64)."""
    sizes: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """Values of the `size` option, the first is the default: side of the square bucket in pixels."""
    default_scheduler: SchedulerName
    """The offered scheduler nearest to the one the model's folder names."""
    context_channels: PositiveInt
    """Width of the text encoder's output."""
    guidance_channels: PositiveInt | None = None
    """Models distilled for guidance (LCM) take the guidance scale as an embedding of this many channels, and one
    unit a step instead of two; None for all others."""
    prompt: PromptFacts
    preview: PreviewFacts


def load_facts(version: Path) -> DiffusionFacts:
    """Read `diffusion.json` of the version folder. Raises ConfigError that names the file and the key."""
    path = version / FACTS_FILE
    try:
        return DiffusionFacts.model_validate(json.loads(path.read_text()))
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing; `python -m export image_to_image` writes it.") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
