"""A small picture of an unfinished latent: one matrix product instead of a pass through the VAE."""

import numpy as np
from numpy.typing import NDArray

from darkroom.diffusion.facts import DiffusionFacts
from darkroom.diffusion.shapes import Fit


def preview(clean: NDArray[np.float32], fit: Fit, facts: DiffusionFacts) -> NDArray[np.uint8]:
    """`clean` [channels, h, w], the latent the scheduler expects in the end -> RGB uint8, one pixel a latent cell,
    cropped to the picture's share of its bucket."""
    matrix = np.array(facts.preview.matrix, np.float32)
    levels = np.tensordot(clean, matrix, axes=(0, 0)) + np.array(facts.preview.bias, np.float32)
    rows, columns = (-(-side // facts.latent_factor) for side in (fit.rows, fit.columns))
    small: NDArray[np.uint8] = np.rint(levels[:rows, :columns]).clip(0, 255).astype(np.uint8)
    return small
