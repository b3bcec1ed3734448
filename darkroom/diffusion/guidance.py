"""Guidance: how strongly the prompt pulls."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def guide(text: Array, negative: Array, scale: float) -> Array:
    """Classifier-free guidance (Ho and Salimans, 2022): from the negative prompt's prediction towards the prompt's,
    and on to `scale` times the way."""
    return negative + np.float32(scale) * (text - negative)


def embed_guidance(scale: float, channels: int) -> Array:
    """`scale` as the input of a UNet that was distilled for guidance (Luo et al., 2023): float32 [channels].

    Sines and cosines of 1000 * (scale - 1) at frequencies from 1 down to 1/10000, as for timesteps.
    """
    half = channels // 2
    frequencies = np.exp(np.arange(half, dtype=np.float32) * np.float32(-np.log(10_000.0) / (half - 1)))
    angles = np.float32((scale - 1) * 1000) * frequencies
    embedding = np.concatenate([np.sin(angles), np.cos(angles)])
    return np.pad(embedding, (0, channels % 2))
