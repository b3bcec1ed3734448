import numpy as np
import pytest
import torch

from darkroom.diffusion.facts import SCHEDULERS, SchedulerName
from darkroom.diffusion.guidance import embed_guidance, guide
from darkroom.diffusion.sampler import DivergedError, Sampler, steps_run
from darkroom.diffusion.schedulers import max_steps
from export.diffusion.tiny import TinyRandom

SHAPE = (4, 8, 8)


def sampler(tiny: TinyRandom, name: SchedulerName, steps: int = 5, strength: float = 1.0, seed: int = 0) -> Sampler:
    return Sampler(name, tiny.scheduler_config(), steps=steps, strength=strength, seed=seed)


def walk(driver: Sampler, latent: np.ndarray) -> np.ndarray:
    """The whole way with a UNet that predicts a tenth of its input."""
    for step in range(driver.steps):
        scaled, timestep = driver.unet_input(step, latent)
        assert scaled.dtype == timestep.dtype == np.float32
        assert timestep.shape == ()
        assert 0 <= timestep <= 999
        latent, clean = driver.advance(step, latent, scaled / 10)
        assert latent.shape == clean.shape == SHAPE
    return latent


@pytest.mark.parametrize(
    ("steps", "strength", "expected"),
    [(20, 0.8, 16), (20, 1.0, 20), (20, 0.0, 0), (20, 0.01, 1), (1, 0.5, 1), (10, 0.3, 3), (150, 0.999, 149)],
)
def test_strength_is_the_share_of_steps_run(steps: int, strength: float, expected: int) -> None:
    assert steps_run(steps, strength) == expected


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_number_of_steps_can_be_run(tiny: TinyRandom, name: SchedulerName) -> None:
    for steps in (1, 2, 3, 7, 49, 50, 51, 149, 150):
        if steps > max_steps(name, tiny.scheduler_config()):
            continue
        for strength in (0.01, 0.6, 1.0):
            driver = sampler(tiny, name, steps, strength)
            assert driver.steps == steps_run(steps, strength)
            assert np.isfinite(
                walk(driver, driver.from_picture(np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)))
            ).all()


@pytest.mark.parametrize("name", SCHEDULERS)
def test_strength_0_gives_the_vae_s_sample(tiny: TinyRandom, name: SchedulerName) -> None:
    mean, std = np.full(SHAPE, 3.0, np.float32), np.zeros(SHAPE, np.float32)
    driver = sampler(tiny, name, strength=0.0)
    assert driver.steps == 0
    assert np.array_equal(driver.from_picture(mean, std), mean)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_seed_is_a_picture_whatever_other_jobs_and_torch_draw(tiny: TinyRandom, name: SchedulerName) -> None:
    mean, std = np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    first = sampler(tiny, name, seed=3)
    alone = walk(first, first.from_picture(mean, std))
    ours, other = sampler(tiny, name, seed=3), sampler(tiny, name, seed=4)
    latent, other_latent = ours.from_picture(mean, std), other.from_picture(mean, std)
    for step in range(ours.steps):
        torch.randn(7)
        other_latent, _ = other.advance(step, other_latent, other.unet_input(step, other_latent)[0] / 10)
        latent, _ = ours.advance(step, latent, ours.unet_input(step, latent)[0] / 10)
    assert np.array_equal(latent, alone)
    assert not np.array_equal(other_latent, alone)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_expected_clean_latent_is_the_last_one(tiny: TinyRandom, name: SchedulerName) -> None:
    driver = sampler(tiny, name, steps=8)
    latent = driver.from_noise(SHAPE)
    for step in range(driver.steps):
        latent, clean = driver.advance(step, latent, driver.unet_input(step, latent)[0] / 10)
    assert np.abs(latent - clean).max() < 0.1 * np.abs(clean).max()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_is_an_error_that_names_the_step(tiny: TinyRandom, value: float) -> None:
    driver = sampler(tiny, "euler", steps=5)
    latent = driver.from_noise(SHAPE)
    prediction = np.zeros(SHAPE, np.float32)
    prediction[0, 0, 0] = value
    with pytest.raises(DivergedError, match="at step 3 of 5"):
        driver.advance(2, latent, prediction)


def test_a_picture_that_is_not_finite_is_an_error(tiny: TinyRandom) -> None:
    with pytest.raises(DivergedError, match="before the first step"):
        sampler(tiny, "ddim").from_picture(np.full(SHAPE, np.nan, np.float32), np.ones(SHAPE, np.float32))


def test_guidance_goes_from_the_negative_prompt_through_the_prompt() -> None:
    text, negative = np.array([1.0, 2.0], np.float32), np.array([0.0, 4.0], np.float32)
    assert np.array_equal(guide(text, negative, 1.0), text)
    assert np.array_equal(guide(text, negative, 0.0), negative)
    assert guide(text, negative, 3.0).tolist() == [3.0, -2.0]


@pytest.mark.parametrize("channels", [32, 255, 256])
def test_guidance_embedding_is_diffusers(channels: int) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline

    weight = torch.tensor(8.5 - 1).repeat(1)
    expected = StableDiffusionImg2ImgPipeline.get_guidance_scale_embedding(None, weight, embedding_dim=channels)
    # Angles reach 7,500: a float32 there is 5e-4 wide.
    assert np.abs(embed_guidance(8.5, channels) - expected[0].numpy()).max() < 1e-3
