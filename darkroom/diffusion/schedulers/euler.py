"""Euler's method on the probability flow (Karras et al. 2022, algorithm 1): latents are picture + sigma * noise."""

import numpy as np

from darkroom.diffusion.schedulers.base import Latent, Noise, Scheduler, clean_latent
from darkroom.diffusion.schedulers.config import ScheduleConfig
from darkroom.diffusion.schedulers.schedule import karras, last_level, noise_levels, spaced, timestep_of


class EulerScheduler(Scheduler):
    def __init__(self, config: ScheduleConfig, steps: int) -> None:
        super().__init__(config, steps)
        levels = noise_levels(config)
        self.timesteps = spaced(config, steps)
        visited = np.interp(self.timesteps, np.arange(len(levels)), levels)
        if config.use_karras_sigmas:
            highest = visited[0] if config.sigma_max is None else config.sigma_max
            lowest = visited[-1] if config.sigma_min is None else config.sigma_min
            visited = karras(float(highest), float(lowest), steps)
            self.timesteps = timestep_of(visited, levels)
        self._levels = np.append(visited, last_level(config, levels))
        highest = float(self._levels.max())
        self.init_noise_sigma = (highest**2 + 1) ** 0.5 if config.timestep_spacing == "leading" else highest

    def add_noise(self, clean: Latent, noise: Latent, step: int) -> Latent:
        return clean + np.float32(self._levels[step]) * noise

    def scale(self, latent: Latent, step: int) -> Latent:
        return latent / np.float32((self._levels[step] ** 2 + 1) ** 0.5)

    def advance(self, step: int, latent: Latent, prediction: Latent, noise: Noise) -> tuple[Latent, Latent]:
        level, after = float(self._levels[step]), float(self._levels[step + 1])
        clean = self._clean(latent, prediction, level)
        return latent + (latent - clean) * np.float32((after - level) / level), clean

    def _clean(self, latent: Latent, prediction: Latent, level: float) -> Latent:
        if self.config.prediction_type == "epsilon":
            return latent - np.float32(level) * prediction
        # The network works on latents of variance 1: in those, signal and noise are 1 and sigma over sqrt(1 + sigma^2).
        signal = (level**2 + 1) ** -0.5
        return clean_latent(
            self.config.prediction_type, np.float32(signal) * latent, prediction, signal, level * signal
        )
