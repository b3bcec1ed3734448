"""Options of one request, completed with the model version's defaults and held against what it can do."""

from dataclasses import dataclass

from darkroom.diffusion.facts import SchedulerName
from darkroom.diffusion.model import DiffusionModel
from darkroom.diffusion.options import ImageToImageOptions
from darkroom.diffusion.sampler import steps_run
from darkroom.diffusion.schedulers import max_steps
from darkroom.diffusion.shapes import Fit, fit
from darkroom.errors import BadOptionError

DEFAULT_STEPS: dict[SchedulerName, int] = {"ddim": 30, "euler": 30, "dpmpp_2m": 30, "lcm": 4}
DEFAULT_GUIDANCE: dict[SchedulerName, float] = {"ddim": 7.5, "euler": 7.5, "dpmpp_2m": 7.5, "lcm": 1.0}


@dataclass(frozen=True)
class Settings:
    """What a job does, with nothing left open."""

    scheduler: SchedulerName
    steps: int
    """Of the whole schedule."""
    strength: float
    """1 when it starts from noise."""
    guidance_scale: float
    prompts: int
    """Units of a step: 2 under guidance (with the prompt, and with the negative prompt), else 1."""
    fit: Fit

    @property
    def steps_run(self) -> int:
        return steps_run(self.steps, self.strength)


def settle(options: ImageToImageOptions, model: DiffusionModel, height: int, width: int) -> Settings:
    """Complete the options for a picture of height x width pixels. Raises BadOptionError for what cannot be done."""
    facts = model.facts
    size = facts.sizes[0] if options.size is None else options.size
    if size not in facts.sizes:
        allowed = " or ".join(map(str, facts.sizes))
        raise BadOptionError(f"size must be {allowed} for this model version, got {size}.")
    scheduler = options.scheduler or facts.default_scheduler
    steps = DEFAULT_STEPS[scheduler] if options.steps is None else options.steps
    if steps > (most := max_steps(scheduler, model.scheduler_config)):
        raise BadOptionError(f"steps must be at most {most} with the scheduler {scheduler}, got {steps}.")
    scale = DEFAULT_GUIDANCE[scheduler] if options.guidance_scale is None else options.guidance_scale
    place = fit(height, width, size, facts.multiple)
    painting = options.init == "noise"
    return Settings(
        scheduler=scheduler,
        steps=steps,
        strength=1.0 if painting else options.strength,
        guidance_scale=scale,
        prompts=2 if scale > 1 and facts.guidance_channels is None else 1,
        fit=place.whole() if painting else place,
    )
