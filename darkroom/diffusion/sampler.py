"""One job's way from noise to latent: a diffusers scheduler, advanced one step at a time by the caller.

diffusers' pipelines own the loop over timesteps; here the caller does, because between two steps of one job the
UNet serves other jobs. All arithmetic is float32 on the CPU: a latent has some 16,000 values.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from numpy.typing import NDArray

from darkroom.diffusion.facts import SchedulerName

CLASSES: dict[SchedulerName, Any] = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "dpmpp_2m": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}
Latent = NDArray[np.float32]
"""[channels, height / factor, width / factor], without batch axis."""


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
        scheduler = CLASSES[name]
        # What the scheduler does not know (the config may be another's) is left out: it would be logged at every job.
        known = {*signature(scheduler.__init__).parameters, "_use_default_values"}
        self._scheduler = scheduler.from_config({key: config[key] for key in config if key in known})
        self._scheduler.set_timesteps(steps)
        self._generator = torch.Generator("cpu").manual_seed(seed)
        run = steps_run(steps, strength)
        begin = len(self._scheduler.timesteps) - run
        self._timesteps = self._scheduler.timesteps[begin:]
        # Schedulers that count their own steps must be told that this job skips the first ones; DDIM looks them up.
        if hasattr(self._scheduler, "set_begin_index"):
            self._scheduler.set_begin_index(begin)
        self._draws = "generator" in signature(scheduler.step).parameters

    @property
    def steps(self) -> int:
        """Steps this job runs (0 for strength 0)."""
        return len(self._timesteps)

    def from_picture(self, mean: Latent, std: Latent) -> Latent:
        """Where a job with a picture starts: a sample of the VAE's distribution, noised for the first timestep."""
        sample = torch.from_numpy(mean + std * self._noise(mean.shape))[None]
        if self.steps:
            noise = torch.from_numpy(self._noise(mean.shape))[None]
            sample = self._scheduler.add_noise(sample, noise, self._timesteps[:1])
        return _checked(sample[0].numpy(), "before the first step")

    def from_noise(self, shape: tuple[int, int, int]) -> Latent:
        """Where a job without a picture starts: noise of `shape`, at the scale the scheduler expects."""
        start: Latent = self._noise(shape) * np.float32(self._scheduler.init_noise_sigma)
        return start

    def unet_input(self, step: int, latent: Latent) -> tuple[Latent, NDArray[np.float32]]:
        """What the UNet takes at `step` 0..steps-1: the scaled latent, and the timestep as a scalar array."""
        timestep = self._timesteps[step]
        scaled = self._scheduler.scale_model_input(torch.from_numpy(latent)[None], timestep)
        return scaled[0].numpy(), np.float32(timestep.item()).reshape(())

    def advance(self, step: int, latent: Latent, prediction: Latent) -> tuple[Latent, Latent]:
        """The latent after `step`, and the clean latent the scheduler expects in the end (for previews).

        `prediction`: the UNet's output, guidance applied. Raises DivergedError.
        """
        _checked(prediction, f"at step {step + 1} of {self.steps}")
        extra = {"generator": self._generator} if self._draws else {}
        output = self._scheduler.step(
            torch.from_numpy(prediction)[None], self._timesteps[step], torch.from_numpy(latent)[None], **extra
        )
        after = _checked(output.prev_sample[0].numpy(), f"after step {step + 1} of {self.steps}")
        return after, self._expected(output)

    def _expected(self, output: Any) -> Latent:
        for name in ("pred_original_sample", "denoised"):
            if (clean := getattr(output, name, None)) is not None:
                return clean[0].numpy()  # type: ignore[no-any-return]
        return self._scheduler.model_outputs[-1][0].numpy()  # type: ignore[no-any-return]

    def _noise(self, shape: tuple[int, ...]) -> Latent:
        return torch.randn((1, *shape), generator=self._generator)[0].numpy()  # type: ignore[no-any-return]


def use_one_thread() -> None:
    """Keep torch of this process from waking every core for a latent, and from spinning there while networks run."""
    torch.set_num_threads(1)


def steps_run(steps: int, strength: float) -> int:
    """Steps of `steps` that a job of `strength` runs: diffusers' int(steps * strength), but at least one above 0.

    Strength 0 runs none: the picture passes through the VAE alone. Strength 1 runs all of them.
    """
    if strength <= 0:
        return 0
    return min(steps, max(1, int(steps * strength)))


def max_steps(name: SchedulerName, config: Mapping[str, Any]) -> int:
    """Most steps `name` can take: 150, and for lcm the number of steps of the schedule it was distilled from (50)."""
    return int(config.get("original_inference_steps", 50)) if name == "lcm" else 150


def _checked(values: Latent, when: str) -> Latent:
    # The sum is finite only if every value is, and needs no array of its own.
    if not np.isfinite(values.sum(dtype=np.float64)):
        raise DivergedError(f"The diffusion gave values that are not numbers {when}; another seed may help.")
    return values
