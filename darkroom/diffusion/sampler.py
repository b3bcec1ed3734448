"""One job's way from noise to latent, advanced one step at a time by the caller.

diffusers' pipelines own the loop over timesteps; here the caller does, because between two steps of one job the
UNet serves other jobs. All arithmetic is float32 in numpy: a latent has some 16,000 values.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkroom.diffusion.facts import SchedulerName
from darkroom.diffusion.normal import NormalGenerator
from darkroom.diffusion.schedulers import Latent, make_scheduler


class DivergedError(Exception):
    """A value is not a number, or infinite. The message is a full sentence that names the step."""


class Sampler:
    """The schedule, the noise and the state of one job.

    The noise comes from a generator that belongs to the job alone, drawn in the order in which diffusers'
    StableDiffusionImg2ImgPipeline draws it: the VAE's sample, the noise on top of it, then the scheduler's own. So
    one seed gives one picture, whoever else is served, and the same one as diffusers.
    """

    def __init__(self, name: SchedulerName, config: Mapping[str, Any], steps: int, strength: float, seed: int) -> None:
        """`config`: the model folder's scheduler_config.json. `steps`: 1 to `max_steps`, of which `steps_run` are run;
        `strength`: 0 to 1; `seed`: 0 to 2**63 - 1.
        """
        self._scheduler = make_scheduler(name, config, steps)
        self._noise = NormalGenerator(seed)
        self.steps = steps_run(steps, strength)
        """Steps this job runs (0 for strength 0)."""
        self._begin = steps - self.steps

    def from_picture(self, mean: Latent, std: Latent) -> Latent:
        """Where a job with a picture starts: a sample of the VAE's distribution, noised for the first timestep."""
        sample = mean + std * self._noise.draw(mean.shape)
        if self.steps:
            sample = self._scheduler.add_noise(sample, self._noise.draw(mean.shape), self._begin)
        return _checked(sample, "before the first step")

    def from_noise(self, shape: tuple[int, int, int]) -> Latent:
        """Where a job without a picture starts: noise of `shape`, at the scale the scheduler expects."""
        return self._noise.draw(shape) * np.float32(self._scheduler.init_noise_sigma)

    def unet_input(self, step: int, latent: Latent) -> tuple[Latent, NDArray[np.float32]]:
        """What the UNet takes at `step` 0..steps-1: the scaled latent, and the timestep as a scalar array."""
        timestep = self._scheduler.timesteps[self._begin + step]
        return self._scheduler.scale(latent, self._begin + step), np.asarray(timestep, np.float32)

    def advance(self, step: int, latent: Latent, prediction: Latent) -> tuple[Latent, Latent]:
        """The latent after `step`, and the clean latent the scheduler expects in the end (for previews).

        `prediction`: the UNet's output, guidance applied. Raises DivergedError.
        """
        _checked(prediction, f"at step {step + 1} of {self.steps}")

        def noise() -> Latent:
            return self._noise.draw(latent.shape)

        after, clean = self._scheduler.advance(self._begin + step, latent, prediction, noise)
        return _checked(after, f"after step {step + 1} of {self.steps}"), clean


def steps_run(steps: int, strength: float) -> int:
    """Steps of `steps` that a job of `strength` runs: diffusers' int(steps * strength), but at least one above 0.

    Strength 0 runs none: the picture passes through the VAE alone. Strength 1 runs all of them.
    """
    if strength <= 0:
        return 0
    return min(steps, max(1, int(steps * strength)))


def _checked(values: Latent, when: str) -> Latent:
    # The sum is finite only if every value is, and needs no array of its own.
    if not np.isfinite(values.sum(dtype=np.float64)):
        raise DivergedError(f"The diffusion gave values that are not numbers {when}; another seed may help.")
    return values
