"""What every scheduler does: it names the timesteps, and takes a latent from each to the next."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from darkroom.diffusion.schedulers.config import ScheduleConfig

Latent = NDArray[np.float32]
"""[channels, height / factor, width / factor], without batch axis."""
Noise = Callable[[], Latent]
"""Draws normal noise of the latent's shape from the job's own generator."""


class Scheduler(ABC):
    """One job's. `step` is an index into `timesteps`; the job may begin at a later one than 0, and goes on in order."""

    timesteps: NDArray[np.float64]
    """Descending, 0 to num_train_timesteps - 1."""
    init_noise_sigma: float = 1.0
    """Standard deviation of the noise that a job without a picture starts from."""

    def __init__(self, config: ScheduleConfig, steps: int) -> None:
        """`steps`: 1 to `max_steps`."""
        self.config = config

    @abstractmethod
    def add_noise(self, clean: Latent, noise: Latent, step: int) -> Latent:
        """`clean` as it looks before `step`."""

    def scale(self, latent: Latent, step: int) -> Latent:
        """What the UNet wants to see of the latent: the latent itself, but for schedulers whose latents grow."""
        return latent

    @abstractmethod
    def advance(self, step: int, latent: Latent, prediction: Latent, noise: Noise) -> tuple[Latent, Latent]:
        """The latent after `step`, and the clean latent expected in the end."""


def clean_latent(
    kind: str, latent: Latent, prediction: Latent, signal: float, noise: float, clip: float | None = None
) -> Latent:
    """The clean latent x0 from the UNet's output, for latent = signal * x0 + noise * epsilon.

    `kind`: epsilon, sample, or v_prediction (v = signal * epsilon - noise * x0, Salimans and Ho 2022). `clip`: x0 is
    held within plus and minus this.
    """
    if kind == "epsilon":
        clean = (latent - np.float32(noise) * prediction) / np.float32(signal)
    elif kind == "v_prediction":
        clean = np.float32(signal) * latent - np.float32(noise) * prediction
    else:
        clean = prediction
    return clean if clip is None else np.clip(clean, -np.float32(clip), np.float32(clip))
