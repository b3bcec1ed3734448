"""The usual way to batch diffusion, as a task to measure ours against: requests of equal step count form a batch, and
the batch runs all its steps before the next one starts.

It stands on the same front end, engine, line and device lock as image_to_image; only its unit is a whole request. It
answers with the picture it got, since a simulated device computes nothing anyway.
"""

import time
from dataclasses import dataclass

import numpy as np

from darkroom.codec import Header, Image
from darkroom.config import NetworkRecord
from darkroom.diffusion.options import ImageToImageOptions
from darkroom.engine import Job, Work
from darkroom.engine.simulated import Simulation
from darkroom.network import Network, Unit
from darkroom.pipelines.task import Estimate, Task
from darkroom.version import ModelVersion

BATCH_LATENTS = 8
ENCODER_UNITS, DECODER_UNITS = 0.5, 1.5
"""What the VAE's halves cost, in UNet passes: as image_to_image's exporter states."""


@dataclass(frozen=True)
class WholeRunner:
    """Takes the time of a VAE encoding, every step, and a decoding, each for the whole batch.

    Input [n, steps]; its values do not matter.
    """

    latents: int
    """Per request and step: two with guidance."""

    def run(self, inputs: Unit) -> Unit:
        device = Simulation.from_environment()
        assert device is not None, "whole requests are simulated only"
        n, steps = inputs[0].shape
        step_s = device.seconds(n * self.latents)
        time.sleep(steps * step_s + device.seconds(n * ENCODER_UNITS) + device.seconds(n * DECODER_UNITS))
        return (inputs[0],)

    def close(self) -> None:
        """There is nothing to free."""


_RECORD = NetworkRecord(file="", sha256="", architecture="whole requests", weights="none", licence="none")
_GUIDED = Network("guided", WholeRunner(2), _RECORD, max_batch=BATCH_LATENTS // 2)
_PLAIN = Network("plain", WholeRunner(1), _RECORD, max_batch=BATCH_LATENTS)


def _network(options: ImageToImageOptions) -> Network:
    return _GUIDED if (options.guidance_scale or 0) > 1 else _PLAIN


def estimate(version: ModelVersion, header: Header, options: ImageToImageOptions) -> Estimate:
    return Estimate((Work(_network(options), (options.steps or 1,), 1),), header.width, header.height)


async def run(job: Job, version: ModelVersion, image: Image, options: ImageToImageOptions) -> Image:
    await job.run(_network(options), (np.zeros(options.steps or 1, np.float32),))
    return image


TASK = Task("whole_requests", ImageToImageOptions, estimate, run)
