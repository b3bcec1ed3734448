"""Diffusion schedulers in numpy: ddim, euler, dpmpp_2m and lcm, made from a model folder's scheduler_config.json.

`schedule.py` has what they share: the noise levels a model was trained on, and which timesteps a job visits.
"""

from collections.abc import Mapping
from typing import Any

from darkroom.diffusion.facts import SchedulerName
from darkroom.diffusion.schedulers.base import Latent, Scheduler
from darkroom.diffusion.schedulers.config import ScheduleConfig, read_config
from darkroom.diffusion.schedulers.ddim import DdimScheduler
from darkroom.diffusion.schedulers.dpmpp_2m import Dpmpp2mScheduler
from darkroom.diffusion.schedulers.euler import EulerScheduler
from darkroom.diffusion.schedulers.lcm import LcmScheduler

_KINDS: dict[SchedulerName, type[Scheduler]] = {
    "ddim": DdimScheduler,
    "euler": EulerScheduler,
    "dpmpp_2m": Dpmpp2mScheduler,
    "lcm": LcmScheduler,
}

__all__ = ["Latent", "ScheduleConfig", "Scheduler", "make_scheduler", "max_steps", "read_config"]


def make_scheduler(name: SchedulerName, config: Mapping[str, Any], steps: int) -> Scheduler:
    """A scheduler for one job of `steps` steps. Raises ConfigError for a configuration that none can follow."""
    return _KINDS[name](read_config(name, config), steps)


def max_steps(name: SchedulerName, config: Mapping[str, Any]) -> int:
    """Most steps `name` can take: 150, and for lcm the number of steps of the schedule it was distilled from (50)."""
    return read_config(name, config).original_inference_steps if name == "lcm" else 150
