"""DDIM (Song et al. 2020), deterministic: the noise found at one timestep is put back at the next one's amount."""

import numpy as np

from darkroom.diffusion.schedulers.base import Latent, Noise, Scheduler, clean_latent
from darkroom.diffusion.schedulers.config import ScheduleConfig
from darkroom.diffusion.schedulers.schedule import signal_shares, spaced


class DdimScheduler(Scheduler):
    def __init__(self, config: ScheduleConfig, steps: int) -> None:
        super().__init__(config, steps)
        self._shares = signal_shares(config)
        self._stride = config.num_train_timesteps // steps
        self.timesteps = np.round(spaced(config, steps))

    def add_noise(self, clean: Latent, noise: Latent, step: int) -> Latent:
        signal, amount = _amounts(self._share(int(self.timesteps[step])))
        return np.float32(signal) * clean + np.float32(amount) * noise

    def advance(self, step: int, latent: Latent, prediction: Latent, noise: Noise) -> tuple[Latent, Latent]:
        timestep, kind = int(self.timesteps[step]), self.config.prediction_type
        signal, amount = _amounts(self._share(timestep))
        unclipped = clean_latent(kind, latent, prediction, signal, amount)
        # The noise belongs to what the network saw, not to what clipping makes of its prediction.
        if kind == "epsilon":
            found = prediction
        elif kind == "v_prediction":
            found = np.float32(signal) * prediction + np.float32(amount) * latent
        else:
            found = (latent - np.float32(signal) * unclipped) / np.float32(amount)
        clip = self.config.clip
        clean = unclipped if clip is None else np.clip(unclipped, -np.float32(clip), np.float32(clip))
        after_signal, after_amount = _amounts(self._share(timestep - self._stride))
        return np.float32(after_signal) * clean + np.float32(after_amount) * found, clean

    def _share(self, timestep: int) -> float:
        if timestep >= 0:
            return float(self._shares[timestep])
        return 1.0 if self.config.set_alpha_to_one else float(self._shares[0])


def _amounts(share: float) -> tuple[float, float]:
    """Factors of picture and noise."""
    return share**0.5, (1.0 - share) ** 0.5
