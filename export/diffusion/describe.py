"""`diffusion.json`: what the pipeline must know of a model beside its graphs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from darkroom.diffusion.facts import DiffusionFacts, PreviewFacts, PromptFacts, SchedulerName
from export import parity
from export.diffusion.components import Components
from export.diffusion.graphs import VaeEncoderGraph
from export.errors import ExportError

_NEAREST: dict[str, SchedulerName] = {
    "DDIMScheduler": "ddim",
    "EulerDiscreteScheduler": "euler",
    "EulerAncestralDiscreteScheduler": "euler",
    "LCMScheduler": "lcm",
}
_PREVIEW_SIDE = 256


def describe(components: Components, sizes: Sequence[int]) -> DiffusionFacts:
    """Gather the facts from the components' configurations, and fit the preview to their VAE.

    `sizes`: sides of the square buckets in pixels, default first. Raises ExportError where a size cannot be used.
    """
    vae, unet = components.config("vae"), components.config("unet")
    factor = 2 ** (len(vae["block_out_channels"]) - 1)
    multiple = factor * 2 ** (len(unet["block_out_channels"]) - 1)
    for size in sizes:
        if size % multiple or size > 2048:
            raise ExportError(f"--sizes must be multiples of {multiple} up to 2048, got {size}.")
    kind = components.scheduler_config().get("_class_name", "")
    return DiffusionFacts(
        latent_channels=vae["latent_channels"],
        latent_factor=factor,
        multiple=multiple,
        sizes=tuple(sizes),
        # DPM-Solver++ for the rest: PNDM, LMS, UniPC and DPM are multistep solvers of the same family.
        default_scheduler=_NEAREST.get(kind, "dpmpp_2m"),
        context_channels=unet["cross_attention_dim"],
        guidance_channels=unet.get("time_cond_proj_dim"),
        prompt=describe_prompt(components),
        preview=fit_preview(components.vae(), factor),
    )


def describe_prompt(components: Components) -> PromptFacts:
    """Length and special tokens, from the tokenizer; the length no longer than the text encoder's positions."""
    tokenizer = components.tokenizer()
    positions = int(components.config("text_encoder")["max_position_embeddings"])
    return PromptFacts(
        length=min(positions, tokenizer.model_max_length),
        start=tokenizer.bos_token_id,
        end=tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
    )


def fit_preview(vae: Any, factor: int) -> PreviewFacts:
    """Least squares from latent cells to the mean colour of the pixels each stands for, over three photographs."""
    photos = parity.photo(3, _PREVIEW_SIDE, _PREVIEW_SIDE)
    with torch.no_grad():
        means, _ = VaeEncoderGraph(vae)(torch.from_numpy(photos))
    cells = means.permute(0, 2, 3, 1).reshape(-1, means.shape[1]).numpy()
    side = _PREVIEW_SIDE // factor
    colours = photos.reshape(len(photos), side, factor, side, factor, 3).mean(axis=(2, 4)).reshape(-1, 3)
    known = np.concatenate([cells, np.ones((len(cells), 1), cells.dtype)], axis=1)
    solution, *_ = np.linalg.lstsq(known.astype(np.float64), colours, rcond=None)
    rows: list[tuple[float, float, float]] = [tuple(map(float, row.round(4))) for row in solution]  # type: ignore[misc]
    return PreviewFacts(matrix=tuple(rows[:-1]), bias=rows[-1])
