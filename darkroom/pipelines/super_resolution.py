"""Super-resolution: every tile through one network, twice or four times as wide and high."""

import numpy as np
import PIL.Image

from darkroom.codec import Header, Image
from darkroom.engine import Job
from darkroom.errors import BadOptionError, quoted
from darkroom.network import Network, Unit
from darkroom.options import SuperResolutionOptions
from darkroom.pipelines.task import Estimate, Task
from darkroom.pipelines.tiled import run_tiled, tiled_warm_up, tiled_work, with_pixels
from darkroom.tiling import Pixels
from darkroom.version import ModelVersion


def network_for(version: ModelVersion, options: SuperResolutionOptions) -> Network:
    """The network that serves these options: NAME_x<scale> of a family, or the network of exactly that name if it
    enlarges at least as much (realesrgan_x4plus at scale 2 is averaged down)."""
    family = version.networks.get(f"{options.network}_x{options.scale}")
    network = family or version.networks.get(options.network)
    if network is None:
        own = [name for name, network in version.networks.items() if network.record.bits == 8]
        names = {name.removesuffix("_x2").removesuffix("_x4") for name in own}
        raise BadOptionError(f"network must be one of {', '.join(sorted(names))}, got {quoted(options.network)}.")
    if network.scale % options.scale:
        raise BadOptionError(f"scale must be at most {network.scale} for {network.name}, got {options.scale}.")
    return network


def estimate(version: ModelVersion, header: Header, options: SuperResolutionOptions) -> Estimate:
    work = tiled_work(version, network_for(version, options), header.height, header.width)
    return Estimate(work, header.width * options.scale, header.height * options.scale)


async def run(job: Job, version: ModelVersion, image: Image, options: SuperResolutionOptions) -> Image:
    network = network_for(version, options)
    job.report["network"] = network.name
    pixels = await run_tiled(job, version, network, image.pixels, shrink=network.scale // options.scale)
    alpha = None if image.alpha is None else await job.in_pool(enlarge, image.alpha, options.scale)
    return with_pixels(image, pixels, alpha)


def enlarge(alpha: Pixels, scale: int) -> Pixels:
    """Bicubic, uint8 [h, w] -> uint8 [h * scale, w * scale]: transparency has soft edges and no texture."""
    height, width = alpha.shape
    picture = PIL.Image.fromarray(alpha)
    return np.asarray(picture.resize((width * scale, height * scale), PIL.Image.Resampling.BICUBIC))


def warm_up(version: ModelVersion) -> list[tuple[Network, Unit]]:
    return [tiled_warm_up(version, network) for network in version.networks.values()]


TASK = Task("super_resolution", SuperResolutionOptions, estimate, run, warm_up)
