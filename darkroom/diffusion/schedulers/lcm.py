"""Latent consistency models (Luo et al. 2023): the network jumps to the clean latent; some of the noise comes back."""

import numpy as np

from darkroom.diffusion.schedulers.base import Latent, Noise, Scheduler, clean_latent
from darkroom.diffusion.schedulers.config import ScheduleConfig
from darkroom.diffusion.schedulers.schedule import signal_shares

_DATA_SIGMA = 0.5


class LcmScheduler(Scheduler):
    def __init__(self, config: ScheduleConfig, steps: int) -> None:
        super().__init__(config, steps)
        self._shares = signal_shares(config)
        original = config.original_inference_steps
        # The timesteps it was distilled on, of which a job visits some.
        trained = (np.arange(original, 0, -1) * (config.num_train_timesteps // original) - 1).astype(np.float64)
        self.timesteps = trained[np.floor(np.linspace(0, original, steps, endpoint=False)).astype(int)]

    def add_noise(self, clean: Latent, noise: Latent, step: int) -> Latent:
        return self._noised(clean, noise, step)

    def advance(self, step: int, latent: Latent, prediction: Latent, noise: Noise) -> tuple[Latent, Latent]:
        signal, amount = self._amounts(step)
        jump = clean_latent(self.config.prediction_type, latent, prediction, signal, amount, self.config.clip)
        scaled = float(self.timesteps[step]) * self.config.timestep_scaling
        # The boundary condition: at timestep 0 the answer is the latent itself.
        skip = _DATA_SIGMA**2 / (scaled**2 + _DATA_SIGMA**2)
        out = scaled / (scaled**2 + _DATA_SIGMA**2) ** 0.5
        clean = np.float32(out) * jump + np.float32(skip) * latent
        last = step == len(self.timesteps) - 1
        return (clean if last else self._noised(clean, noise(), step + 1)), clean

    def _noised(self, clean: Latent, noise: Latent, step: int) -> Latent:
        signal, amount = self._amounts(step)
        return np.float32(signal) * clean + np.float32(amount) * noise

    def _amounts(self, step: int) -> tuple[float, float]:
        share = float(self._shares[int(self.timesteps[step])])
        return share**0.5, (1.0 - share) ** 0.5
