"""What lies around the faces of `face_enhance`: denoised where the picture is worn, and enlarged along."""

import cv2
import numpy as np

from darkroom.codec import Image
from darkroom.engine import Job, Work
from darkroom.errors import BadOptionError
from darkroom.faces import wear
from darkroom.faces.area import Pixels
from darkroom.network import Network
from darkroom.pipelines.denoise import sigma_input
from darkroom.pipelines.face_enhance_options import FaceEnhanceOptions, FaceSettings
from darkroom.pipelines.task import choose_network
from darkroom.pipelines.tiled import run_tiled, tiled_work
from darkroom.version import ModelVersion

DENOISER = "ffdnet_color"


def denoiser(
    version: ModelVersion, settings: FaceSettings, options: FaceEnhanceOptions, height: int, width: int
) -> Network | None:
    """The network that denoises around the faces of a picture of `height` x `width` pixels; None where nothing is to be
    denoised.

    By default a version without it (older ones, some that restore with a user's network) keeps the surroundings, and
    every version keeps those of pictures above its `background_pixels`. Raises BadOptionError where the caller asked a
    version without the network for background=restore.
    """
    if options.background == "keep":
        return None
    asked = "background" in options.model_fields_set
    if not asked and height * width > settings.background_pixels:
        return None
    network = version.networks.get(DENOISER)
    if network is None and asked:
        raise BadOptionError(
            f'background must be keep for this model version, since it has no network {DENOISER}; got "restore".'
        )
    return network


def enlarger(version: ModelVersion, scale: int) -> Network:
    """The network that enlarges the picture. Raises BadOptionError where the version has none."""
    return choose_network(version, f"span_x{scale}", "scale")


def denoising_work(version: ModelVersion, network: Network | None, height: int, width: int) -> tuple[Work, ...]:
    """The price of `denoise`."""
    return () if network is None else tiled_work(version, network, height, width)


def enlarging_work(version: ModelVersion, height: int, width: int, scale: int) -> tuple[Work, ...]:
    """The price of `enlarge`."""
    return () if scale == 1 else tiled_work(version, enlarger(version, scale), height, width)


async def strength(job: Job, network: Network | None, image: Image) -> float:
    """How strongly the picture is to be denoised, grey levels; 0 where it should stay as it is."""
    return 0.0 if network is None else round(await job.in_pool(wear.strength, image.pixels, image.alpha), 2)


async def denoise(job: Job, version: ModelVersion, network: Network, pixels: Pixels, sigma: float) -> Pixels:
    """uint8 `[h, w, 3]` -> a new one without noise of `sigma` grey levels."""
    return await run_tiled(job, version, network, pixels, extra=(sigma_input(sigma),))


async def enlarge(job: Job, version: ModelVersion, pixels: Pixels, scale: int) -> Pixels:
    """uint8 `[h, w, 3]` -> a new uint8 `[h * scale, w * scale, 3]`."""
    if scale == 1:
        return await job.in_pool(np.copy, pixels)
    return await run_tiled(job, version, enlarger(version, scale), pixels)


def mix(restored: Pixels, original: Pixels, fidelity: float) -> Pixels:
    """The share `fidelity` (0-1) of the original in the denoised picture, as in the faces."""
    mixed: Pixels = cv2.addWeighted(restored, 1 - fidelity, original, fidelity, 0)
    return mixed
