"""Noise levels over training timesteps, and which of them a job visits."""

import numpy as np
from numpy.typing import NDArray

from darkroom.diffusion.schedulers.config import ScheduleConfig

Values = NDArray[np.float64]
_KARRAS_RHO = 7.0


def signal_shares(config: ScheduleConfig) -> Values:
    """Share of the picture's variance left at each training timestep (alpha bar, Ho et al. 2020), from 1 towards 0."""
    count = config.num_train_timesteps
    if config.trained_betas is not None:
        betas = np.array(config.trained_betas)
    elif config.beta_schedule == "linear":
        betas = np.linspace(config.beta_start, config.beta_end, count)
    elif config.beta_schedule == "scaled_linear":
        betas = np.linspace(config.beta_start**0.5, config.beta_end**0.5, count) ** 2
    else:
        betas = _cosine_betas(count)
    shares: Values = np.cumprod(1.0 - betas)
    return _to_zero_signal(shares) if config.rescale_betas_zero_snr else shares


def noise_levels(config: ScheduleConfig) -> Values:
    """Noise over signal at each training timestep (sigma, Karras et al. 2022), ascending."""
    shares = signal_shares(config)
    if config.rescale_betas_zero_snr:
        shares[-1] = 2.0**-24  # pure noise would be infinitely many times the signal
    levels: Values = np.sqrt((1.0 - shares) / shares)
    return levels


def spaced(config: ScheduleConfig, steps: int) -> Values:
    """`steps` descending timesteps; not rounded with linspace. Lin et al. 2024 compare the three spacings."""
    count = config.num_train_timesteps
    if config.timestep_spacing == "linspace":
        return np.linspace(0, count - 1, steps)[::-1]
    if config.timestep_spacing == "leading":
        return (np.arange(steps) * (count // steps))[::-1] + float(config.steps_offset)
    # Not arange by a fraction: its length is at the mercy of rounding.
    trailing: Values = np.round(count - np.arange(steps) * (count / steps)) - 1.0
    return trailing


def karras(highest: float, lowest: float, steps: int) -> Values:
    """Descending noise levels, dense where they are low (Karras et al. 2022, equation 5)."""
    high, low = highest ** (1 / _KARRAS_RHO), lowest ** (1 / _KARRAS_RHO)
    levels: Values = (high + np.linspace(0, 1, steps) * (low - high)) ** _KARRAS_RHO
    return levels


def timestep_of(level: Values, levels: Values) -> Values:
    """The (fractional) training timestep whose noise level is `level`, linear in its logarithm."""
    found: Values = np.interp(np.log(level), np.log(levels), np.arange(len(levels)))
    return found


def last_level(config: ScheduleConfig, levels: Values) -> float:
    """The noise level after the last step."""
    return float(levels[0]) if config.final_sigmas_type == "sigma_min" else 0.0


def _cosine_betas(count: int) -> Values:
    """Nichol and Dhariwal 2021."""
    edges = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
    betas: Values = np.minimum(1 - edges[1:] / edges[:-1], 0.999)
    return betas


def _to_zero_signal(shares: Values) -> Values:
    """Lin et al. 2024: shift the signal so that none is left at the end, and keep its beginning."""
    root = np.sqrt(shares)
    rescaled: Values = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
    return rescaled
