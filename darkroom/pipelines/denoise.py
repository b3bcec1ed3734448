"""Denoising: every tile through one network that is told how strong the noise is."""

import numpy as np

from darkroom.codec import Header, Image
from darkroom.engine import Job
from darkroom.network import Array, Network, Unit
from darkroom.noise import estimate_sigma
from darkroom.options import DenoiseOptions
from darkroom.pipelines.task import Estimate, Task, choose_network
from darkroom.pipelines.tiled import run_tiled, tiled_warm_up, tiled_work, with_pixels
from darkroom.version import ModelVersion


def estimate(version: ModelVersion, header: Header, options: DenoiseOptions) -> Estimate:
    network = choose_network(version, options.network)
    return Estimate(tiled_work(version, network, header.height, header.width), header.width, header.height)


async def run(job: Job, version: ModelVersion, image: Image, options: DenoiseOptions) -> Image:
    network = choose_network(version, options.network)
    if options.strength == "auto":
        sigma = await job.in_pool(estimate_sigma, image.pixels)
    else:
        sigma = options.strength
    job.report |= {"network": network.name, "strength": round(sigma, 2)}
    pixels = await run_tiled(job, version, network, image.pixels, extra=(sigma_input(sigma),))
    return with_pixels(image, pixels, image.alpha)


def sigma_input(sigma: float) -> Array:
    """The network's second input: float32, standard deviation of the noise in grey levels."""
    return np.array(sigma, np.float32)


def warm_up(version: ModelVersion) -> list[tuple[Network, Unit]]:
    return [tiled_warm_up(version, network, (sigma_input(0.0),)) for network in version.networks.values()]


TASK = Task("denoise", DenoiseOptions, estimate, run, warm_up)
