"""Our schedulers against diffusers', over the configurations that model folders come with."""

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, LCMScheduler

from darkroom.config import ConfigError
from darkroom.diffusion.facts import SCHEDULERS, SchedulerName
from darkroom.diffusion.normal import NormalGenerator
from darkroom.diffusion.schedulers import make_scheduler, max_steps

SHAPE = (4, 8, 8)
THEIRS: dict[SchedulerName, Any] = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "dpmpp_2m": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}
STABLE_DIFFUSION: dict[str, Any] = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "stable diffusion 1.5": STABLE_DIFFUSION,
    "defaults": {},
    "stable diffusion 2.1": STABLE_DIFFUSION | {"prediction_type": "v_prediction"},
    "zero terminal signal": STABLE_DIFFUSION
    | {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
    "turbo": STABLE_DIFFUSION | {"timestep_spacing": "trailing"},
    "linspace": STABLE_DIFFUSION | {"timestep_spacing": "linspace"},
    "leading": STABLE_DIFFUSION | {"timestep_spacing": "leading"},
    "karras": STABLE_DIFFUSION | {"use_karras_sigmas": True},
    "last level above zero": STABLE_DIFFUSION | {"final_sigmas_type": "sigma_min"},
    "picture": STABLE_DIFFUSION | {"prediction_type": "sample", "clip_sample": True, "clip_sample_range": 2.0},
    "another's": STABLE_DIFFUSION | {"timestep_spacing": "leading", "_use_default_values": ["timestep_spacing"]},
    "own betas": {"trained_betas": [0.001 * (1 + number / 100) for number in range(1000)]},
}


def predict(latent: np.ndarray, timestep: float) -> np.ndarray:
    """A stand-in for the UNet, which depends on what it gets."""
    return np.tanh(latent * np.float32(1 - timestep / 2000)).astype(np.float32)


def ours(name: SchedulerName, config: dict[str, Any], steps: int, begin: int) -> np.ndarray:
    scheduler, noise = make_scheduler(name, config, steps), NormalGenerator(5)
    latent = scheduler.add_noise(noise.draw(SHAPE), noise.draw(SHAPE), begin)
    for step in range(begin, steps):
        prediction = predict(scheduler.scale(latent, step), float(scheduler.timesteps[step]))
        latent, _ = scheduler.advance(step, latent, prediction, lambda: noise.draw(SHAPE))
    assert latent.dtype == np.float32
    return latent


def theirs(name: SchedulerName, config: dict[str, Any], steps: int, begin: int) -> np.ndarray:
    scheduler, generator = THEIRS[name].from_config(config), torch.Generator().manual_seed(5)
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    clean, noise = torch.randn((2, *SHAPE), generator=generator).split(1)
    latent = scheduler.add_noise(clean, noise, scheduler.timesteps[begin : begin + 1])
    extra = {"generator": generator} if name == "lcm" else {}
    for timestep in scheduler.timesteps[begin:]:
        scaled = scheduler.scale_model_input(latent, timestep)
        prediction = torch.from_numpy(predict(scaled.numpy(), float(timestep)))
        latent = scheduler.step(prediction, timestep, latent, **extra).prev_sample
    return latent[0].numpy()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("name", SCHEDULERS)
def test_latents_are_those_of_diffusers(name: SchedulerName, config: dict[str, Any]) -> None:
    for steps, begin in ((1, 0), (4, 3), (10, 4), (20, 0)):
        expected = theirs(name, config, steps, begin)
        error = np.abs(ours(name, config, steps, begin) - expected).max() / np.abs(expected).max()
        assert error < 1e-3, (steps, begin)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_noise_without_a_picture_starts_at_diffusers_scale(config: dict[str, Any]) -> None:
    for name in SCHEDULERS:
        scheduler = THEIRS[name].from_config(config)
        scheduler.set_timesteps(7)
        assert make_scheduler(name, config, 7).init_noise_sigma == pytest.approx(float(scheduler.init_noise_sigma))


@pytest.mark.parametrize("shape", [(16,), (4, 64, 64), (4, 96, 63), (3, 7), (17,)])
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**32 + 7, 2**63 - 1])
def test_a_seed_draws_what_torch_draws(seed: int, shape: tuple[int, ...]) -> None:
    generator, noise = torch.Generator().manual_seed(seed), NormalGenerator(seed)
    for _ in range(3):
        assert np.abs(noise.draw(shape) - torch.randn(shape, generator=generator).numpy()).max() < 1e-5


def test_fewer_numbers_than_a_block_are_normal_ones_too() -> None:
    numbers = np.concatenate([NormalGenerator(seed).draw((5,)) for seed in range(200)])
    assert abs(numbers.mean()) < 0.1
    assert abs(numbers.std() - 1) < 0.1


def test_consistency_models_take_no_more_steps_than_they_were_distilled_from() -> None:
    assert max_steps("lcm", {"original_inference_steps": 40}) == 40
    assert max_steps("euler", {"original_inference_steps": 40}) == 150


@pytest.mark.parametrize(
    ("key", "value"),
    [("prediction_type", "flow_prediction"), ("use_flow_sigmas", True), ("thresholding", True), ("beta_start", "much")],
)
def test_a_schedule_that_would_give_another_picture_is_refused(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^scheduler_config\.json: {key}: "):
        make_scheduler("euler", {key: value}, 5)
