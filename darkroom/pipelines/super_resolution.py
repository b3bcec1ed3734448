"""Super-resolution: every tile through one network, twice or four times as wide and high."""

from darkroom.bands import Source, Target
from darkroom.codec import Header
from darkroom.engine import Job
from darkroom.errors import BadOptionError, quoted
from darkroom.network import Network, Unit
from darkroom.options import SuperResolutionOptions
from darkroom.pipelines.task import Estimate, Task
from darkroom.pipelines.tiled import run_bands, tiled_estimate, tiled_warm_ups
from darkroom.version import ModelVersion


def network_for(version: ModelVersion, options: SuperResolutionOptions) -> Network:
    """The network that serves these options: NAME_x<scale> of a family, or the network of exactly that name if it
    enlarges at least as much (realesrgan_x4plus at scale 2 is averaged down)."""
    choices = version.choices
    name = next((name for name in (f"{options.network}_x{options.scale}", options.network) if name in choices), None)
    if name is None:
        names = {name.removesuffix("_x2").removesuffix("_x4") for name in choices}
        raise BadOptionError(f"network must be one of {', '.join(sorted(names))}, got {quoted(options.network)}.")
    network = version.networks[name]
    if network.scale % options.scale:
        raise BadOptionError(f"scale must be at most {network.scale} for {network.name}, got {options.scale}.")
    return network


def estimate(version: ModelVersion, header: Header, options: SuperResolutionOptions) -> Estimate:
    return tiled_estimate(version, network_for(version, options), header, options.scale)


async def run_banded(
    job: Job, version: ModelVersion, source: Source, target: Target, options: SuperResolutionOptions
) -> None:
    network = network_for(version, options)
    job.report["network"] = network.name
    shrink = network.scale // options.scale
    await run_bands(job, version, version.for_bits(network, source.bits), source, target, shrink=shrink)


def warm_up(version: ModelVersion) -> list[tuple[Network, Unit]]:
    return tiled_warm_ups(version)


TASK = Task(
    "super_resolution", SuperResolutionOptions, estimate, warm_up=warm_up, run_banded=run_banded, network=network_for
)
