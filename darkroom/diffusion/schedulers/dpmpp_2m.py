"""DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): each step bends towards where the last one came from."""

from math import log

import numpy as np

from darkroom.diffusion.schedulers.base import Latent, Noise, Scheduler, clean_latent
from darkroom.diffusion.schedulers.config import ScheduleConfig
from darkroom.diffusion.schedulers.schedule import karras, last_level, noise_levels, spaced, timestep_of

_FEW = 15
"""Below so many steps the last one goes straight: bending would overshoot."""


class Dpmpp2mScheduler(Scheduler):
    def __init__(self, config: ScheduleConfig, steps: int) -> None:
        super().__init__(config, steps)
        levels = noise_levels(config)
        if config.use_karras_sigmas:
            highest = levels[-1] if config.sigma_max is None else config.sigma_max
            lowest = levels[0] if config.sigma_min is None else config.sigma_min
            visited = karras(float(highest), float(lowest), steps)
            self.timesteps = np.round(timestep_of(visited, levels))
        else:
            self.timesteps = _timesteps(config, steps)
            visited = np.interp(self.timesteps, np.arange(len(levels)), levels)
        self._levels = np.append(visited, last_level(config, levels))
        self._before: Latent | None = None
        """The clean latent that the last step expected."""

    def add_noise(self, clean: Latent, noise: Latent, step: int) -> Latent:
        signal, amount = _amounts(float(self._levels[step]))
        return np.float32(signal) * clean + np.float32(amount) * noise

    def advance(self, step: int, latent: Latent, prediction: Latent, noise: Noise) -> tuple[Latent, Latent]:
        level, after = float(self._levels[step]), float(self._levels[step + 1])
        signal, amount = _amounts(level)
        clean = clean_latent(self.config.prediction_type, latent, prediction, signal, amount)
        before, self._before = self._before, clean
        target = clean
        if before is not None and not self._straight(step):
            # Half a step further along the line through the last two, in the logarithm of the noise level.
            ratio = log(level / after) / log(float(self._levels[step - 1]) / level)
            target = clean + np.float32(0.5 * ratio) * (clean - before)
        after_signal, after_amount = _amounts(after)
        kept = np.float32(after_amount / amount)
        return kept * latent + np.float32(after_signal * (1 - after / level)) * target, clean

    def _straight(self, step: int) -> bool:
        config, steps = self.config, len(self.timesteps)
        few = config.lower_order_final and steps < _FEW
        return step == steps - 1 and (config.euler_at_final or few or config.final_sigmas_type == "zero")


def _timesteps(config: ScheduleConfig, steps: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """As `spaced`, but for `steps` intervals, not points: the last one ends below the lowest timestep."""
    if config.timestep_spacing == "trailing":
        return spaced(config, steps)
    return np.round(spaced(config, steps + 1))[:-1]


def _amounts(level: float) -> tuple[float, float]:
    """Factors of picture and noise at a noise level, in latents of variance 1."""
    signal = (level**2 + 1) ** -0.5
    return signal, level * signal
