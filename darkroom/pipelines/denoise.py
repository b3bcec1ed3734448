"""Denoising: every tile through one network that is told how strong the noise is."""

import numpy as np

from darkroom.bands import Source, Target
from darkroom.codec import Header
from darkroom.engine import Job
from darkroom.network import Array, Network, Unit
from darkroom.noise import NoiseEstimate, estimate_sigma
from darkroom.options import DenoiseOptions
from darkroom.pipelines.task import Estimate, Task, choose_network
from darkroom.pipelines.tiled import ArrayRows, Rows, read_bytes, run_bands, tiled_estimate, tiled_warm_ups
from darkroom.version import ModelVersion

HELD_BYTES = 16 * 2**20
"""Decoded pictures up to this size are kept between the estimate of their noise and the network; larger ones are
decoded twice."""


def network_for(version: ModelVersion, options: DenoiseOptions) -> Network:
    """The network that serves these options, for 8-bit samples."""
    return choose_network(version, options.network)


def estimate(version: ModelVersion, header: Header, options: DenoiseOptions) -> Estimate:
    decoded = read_bytes(header, header.height)
    twice = options.strength == "auto" and decoded > HELD_BYTES
    held = decoded if options.strength == "auto" and not twice else 0
    return tiled_estimate(version, network_for(version, options), header, 1, decodes=2 if twice else 1, held=held)


async def run_banded(job: Job, version: ModelVersion, source: Source, target: Target, options: DenoiseOptions) -> None:
    network = network_for(version, options)
    rows: Rows = source
    if options.strength != "auto":
        sigma = options.strength
    elif read_bytes(source.header, source.height) <= HELD_BYTES:
        rows, sigma = await job.in_pool(read_all, source)
    else:
        sigma = await estimate_noise(job, source)
    job.report |= {"network": network.name, "strength": round(sigma, 2)}
    at_depth = version.for_bits(network, source.bits)
    await run_bands(job, version, at_depth, rows, target, extra=(sigma_input(sigma),))


def read_all(source: Source) -> tuple[ArrayRows, float]:
    """The whole picture, and the noise in it."""
    pixels, alpha = source.read_whole()
    return ArrayRows(pixels, alpha), estimate_sigma(pixels)


async def estimate_noise(job: Job, source: Source) -> float:
    """One pass over the picture, which is read from the top again afterwards."""
    noise = NoiseEstimate()
    step = max(2, HELD_BYTES // 4 // read_bytes(source.header, 1))

    def read_some(rows: int) -> int:
        pixels, _ = source.read(rows)
        noise.add(pixels)
        return len(pixels)

    have = 0
    while have < source.height:
        have += await job.in_pool(read_some, min(step, source.height - have))
    await job.in_pool(source.restart)
    return noise.sigma


def sigma_input(sigma: float) -> Array:
    """The network's second input: float32, standard deviation of the noise in grey levels."""
    return np.array(sigma, np.float32)


def warm_up(version: ModelVersion) -> list[tuple[Network, Unit]]:
    return tiled_warm_ups(version, (sigma_input(0.0),))


TASK = Task("denoise", DenoiseOptions, estimate, warm_up=warm_up, run_banded=run_banded, network=network_for)
