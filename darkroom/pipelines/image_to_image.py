"""Image to image with Stable Diffusion: text and picture in, then step by step, in company, to a latent and a picture.

A job's steps follow one another, but each is a unit (with guidance, two) on the UNet's line: jobs at different
timesteps, with different schedulers and step counts, share its batches.
"""

import asyncio
import base64
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np

from darkroom import codec
from darkroom.codec import Header, Image
from darkroom.diffusion.facts import DiffusionFacts
from darkroom.diffusion.guidance import embed_guidance, guide
from darkroom.diffusion.model import DiffusionModel, load_model
from darkroom.diffusion.options import ImageToImageOptions
from darkroom.diffusion.preview import preview
from darkroom.diffusion.sampler import DivergedError, Sampler
from darkroom.diffusion.settings import Settings, settle
from darkroom.diffusion.shapes import Fit, buckets, resize
from darkroom.diffusion.tokenizer import Tokens
from darkroom.engine import Job, Work
from darkroom.errors import InternalError
from darkroom.network import Array, Network, Unit
from darkroom.pipelines.task import Estimate, Task
from darkroom.version import ModelVersion

PREVIEW_QUALITY = 80
"""JPEG quality: 64x64 pixels in about 2 kB."""


def estimate(version: ModelVersion, header: Header, options: ImageToImageOptions) -> Estimate:
    model = load_model(version.path)
    settings = settle(options, model, header.height, header.width)
    networks, fit = version.networks, settings.fit
    latent = latent_shape(model, fit)
    work = [
        Work(networks["text_encoder"], (model.facts.prompt.length,), settings.prompts),
        Work(networks["vae_encoder"], (fit.height, fit.width, 3), int(options.init == "picture")),
        Work(networks["unet"], latent, settings.steps_run * settings.prompts),
        Work(networks["vae_decoder"], latent, 1),
    ]
    return Estimate(tuple(part for part in work if part.units), fit.columns, fit.rows)


async def run(job: Job, version: ModelVersion, image: Image, options: ImageToImageOptions) -> Image:
    model = load_model(version.path)
    settings = settle(options, model, image.height, image.width)
    networks = _Networks(job, version, model)
    sampler = Sampler(settings.scheduler, model.scheduler_config, settings.steps, settings.strength, options.seed)
    prompts = [model.tokenize(text) for text in (options.prompt, options.negative_prompt)[: settings.prompts]]
    job.report |= _facts(options, settings, prompts)
    try:
        *contexts, latent = await _together(
            *(networks.encode_text(tokens) for tokens in prompts),
            _start(networks, image, options, settings.fit, sampler),
        )
        for step in range(sampler.steps):
            prediction = await _predict(networks, sampler.unet_input(step, latent), contexts, settings.guidance_scale)
            latent, clean = sampler.advance(step, latent, prediction)
            if options.preview and (step + 1) % options.preview == 0:
                job.notes["preview"] = await job.in_pool(_preview, clean, settings.fit, model.facts)
    except DivergedError as error:
        raise InternalError(str(error)) from None
    pixels = await networks.decode(latent)
    return await job.in_pool(_finish, settings.fit.crop(pixels), image, options)


async def _predict(networks: "_Networks", unit: tuple[Array, Array], contexts: list[Array], scale: float) -> Array:
    """The UNet's prediction for (latent, timestep): with guidance from two units, which wait in line together."""
    latent, timestep = unit
    predictions = await _together(*(networks.predict(latent, timestep, context, scale) for context in contexts))
    if len(predictions) == 1:
        return predictions[0]
    text, negative = predictions
    return guide(text, negative, scale)


async def _together(*calls: Coroutine[Any, Any, Array]) -> list[Array]:
    """Await all of them; where one fails, the others are not left waiting for units that nobody will run."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _start(
    networks: "_Networks", image: Image, options: ImageToImageOptions, fit: Fit, sampler: Sampler
) -> Array:
    if options.init == "noise":
        return sampler.from_noise(latent_shape(networks.model, fit))
    mean, std = await networks.encode_picture(await networks.job.in_pool(fit.place, image.pixels))
    return sampler.from_picture(mean, std)


@dataclass(frozen=True)
class _Networks:
    """The four networks, called for one job."""

    job: Job
    version: ModelVersion
    model: DiffusionModel

    async def encode_text(self, tokens: Tokens) -> Array:
        """-> context float32 [length, dim], from the cache where the same tokens came before."""
        contexts = self.model.contexts
        if (known := contexts.get(tokens.ids)) is not None:
            self.job.units_total -= 1  # priced before anyone could know
            return known
        (context,) = await self._run("text_encoder", tokens.ids)
        if not np.isfinite(context).all():
            raise InternalError("The text encoder gave values that are not numbers; an export as fp32 has more range.")
        contexts.put(tokens.ids, context)
        return context

    async def encode_picture(self, pixels: Array) -> tuple[Array, Array]:
        """uint8 [height, width, 3] -> mean and standard deviation of its latent, float32."""
        mean, std = await self._run("vae_encoder", pixels)
        return mean, std

    async def predict(self, latent: Array, timestep: Array, context: Array, scale: float) -> Array:
        """The noise in a latent, or its velocity, float32 like the latent. `scale`: the guidance, for UNets that
        were distilled for it."""
        channels = self.model.facts.guidance_channels
        guidance = () if channels is None else (embed_guidance(scale, channels),)
        (prediction,) = await self._run("unet", latent, timestep, context, *guidance)
        return prediction

    async def decode(self, latent: Array) -> Array:
        """-> uint8 [height, width, 3]. Raises InternalError where the decoder overflows."""
        pixels, finite = await self._run("vae_decoder", latent)
        if not finite:
            raise InternalError("The VAE decoder gave values that are not numbers; an export as fp32 has more range.")
        return pixels

    async def _run(self, network: str, *unit: Array) -> Unit:
        return await self.job.run(self.version.networks[network], unit)


def latent_shape(model: DiffusionModel, fit: Fit) -> tuple[int, int, int]:
    """(channels, height, width) of the latent of a bucket."""
    facts = model.facts
    return facts.latent_channels, fit.height // facts.latent_factor, fit.width // facts.latent_factor


def _preview(clean: Array, fit: Fit, facts: DiffusionFacts) -> str:
    """A JPEG in base64, since it travels in the job's state."""
    pixels = preview(clean, fit, facts)
    picture = Image(pixels=pixels, alpha=None, grey=False, icc=None, format="jpeg")
    return base64.b64encode(codec.encode(picture, "jpeg", PREVIEW_QUALITY)).decode("ascii")


def _finish(pixels: Array, image: Image, options: ImageToImageOptions) -> Image:
    height, width = pixels.shape[:2]
    new = options.init == "noise"
    alpha = None if new or image.alpha is None else resize(image.alpha, height, width)
    # Diffusion paints in colour, whatever came in, and a grey profile cannot describe it.
    profile = None if new or image.grey else image.icc
    return Image(pixels=np.ascontiguousarray(pixels), alpha=alpha, grey=False, icc=profile, format=image.format)


def _facts(options: ImageToImageOptions, settings: Settings, prompts: list[Tokens]) -> dict[str, object]:
    facts: dict[str, object] = {
        "network": "unet",
        "seed": options.seed,
        "scheduler": settings.scheduler,
        "steps": settings.steps_run,
        "guidance_scale": settings.guidance_scale,
        "bucket": [settings.fit.width, settings.fit.height],
        "prompt_tokens_cut": prompts[0].cut,
    }
    if len(prompts) > 1:
        facts["negative_prompt_tokens_cut"] = prompts[1].cut
    return facts


def warm_up(version: ModelVersion) -> list[tuple[Network, Unit]]:
    """One unit of each network at the default size: on a GPU in every bucket, because each is one more set of kernels
    (and with TensorRT one more engine, which takes minutes) that must not be built while a caller waits."""
    model = load_model(version.path)
    facts, networks = model.facts, version.networks
    shapes = buckets(facts.sizes[0], facts.multiple)
    tokens = np.full(facts.prompt.length, facts.prompt.pad, np.int64)
    context = np.zeros((facts.prompt.length, facts.context_channels), np.float32)
    guidance = () if facts.guidance_channels is None else (embed_guidance(1.0, facts.guidance_channels),)
    units: list[tuple[Network, Unit]] = [(networks["text_encoder"], (tokens,))]
    for height, width in shapes if networks["unet"].pad_batches else shapes[:1]:
        latent = np.zeros(latent_shape(model, Fit(height, width, height, width)), np.float32)
        units += [
            (networks["vae_encoder"], (np.full((height, width, 3), 128, np.uint8),)),
            (networks["unet"], (latent, np.array(500, np.float32), context, *guidance)),
            (networks["vae_decoder"], (latent,)),
        ]
    return units


TASK = Task("image_to_image", ImageToImageOptions, estimate, run, warm_up)
