"""The pipeline on real (tiny) networks and the real engine, without Triton."""

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from asking import ask, ask_all, png

from darkroom.config import EngineConfig
from darkroom.diffusion.model import load_model
from darkroom.engine import Engine
from darkroom.engine.job import Job
from darkroom.errors import BadOptionError, InternalError
from darkroom.network import Network, Unit
from darkroom.pipelines.image_to_image import TASK
from darkroom.service import Service
from darkroom.version import ModelVersion
from export.parity import photo

PHOTO = photo(1, 64, 64)[0]
PNG = png(PHOTO)


def test_the_export_paints_what_diffusers_paints(exported: Path) -> None:
    records = json.loads((exported / "networks.json").read_text())
    parity = records["unet"]["pipeline_parity"]
    assert parity["runs"] == 9  # four schedulers, guidance on and off, and text to image
    assert parity["max_levels"] <= 1


def test_random_weights_are_labelled(service: Service, exported: Path) -> None:
    records = json.loads((exported / "networks.json").read_text())
    assert {record["weights"] for record in records.values()} == {"random, for testing"}
    report = ask(service, PNG, steps=1).report
    assert report["weights"] == "random, for testing"
    assert report["sha256"] == records["unet"]["sha256"]


def test_jobs_of_4_20_and_50_steps_together_give_the_bytes_they_give_alone(service: Service) -> None:
    requests: list[dict[str, Any]] = [
        {
            "prompt": f"picture {n}",
            "seed": n,
            "steps": (4, 20, 50)[n % 3],
            "strength": 1.0,
            "scheduler": ("ddim", "euler", "dpmpp_2m", "lcm")[n % 4],
            "guidance_scale": 1.0 if n % 5 == 0 else 6.0,
            "init": "noise" if n == 7 else "picture",
        }
        for n in range(12)
    ]
    alone = [ask(service, PNG, **options) for options in requests]
    busy = service.engine.stats.batches["unet"]
    together = ask_all(service, PNG, requests)
    assert [result.data for result in together] == [result.data for result in alone]
    assert len({result.data for result in alone}) == 12
    units = sum(result.report["units"] for result in together)
    assert service.engine.stats.batches["unet"] - busy < units / 3, "the jobs did not share batches"


def test_units_are_the_text_the_picture_the_steps_and_the_decoding(service: Service) -> None:
    options = {"prompt": "something never asked before", "steps": 10, "strength": 0.5, "guidance_scale": 1.0}
    quoted = json.loads(_quote(service, options))
    report = ask(service, PNG, **options).report
    assert quoted["units"] == report["units"] == 1 + 1 + 5 + 1
    again = ask(service, PNG, **options).report
    assert again["units"] == 1 + 5 + 1, "the prompt was encoded twice"
    guided = ask(service, PNG, **{**options, "guidance_scale": 5.0, "negative_prompt": "another new one"}).report
    assert guided["units"] == 1 + 1 + 2 * 5 + 1


def _quote(service: Service, options: dict[str, Any]) -> str:
    from darkroom.service import Incoming

    replies: list[Any] = []
    service.submit(Incoming(PNG, {**options, "quote": True}), lambda answer, error: replies.append(answer))
    return replies[0].report


def test_the_report_says_what_was_done(service: Service) -> None:
    report = ask(service, PNG, prompt="cat " * 100, negative_prompt="dog " * 76, seed=5, steps=4, strength=0.5).report
    assert report["task"] == "image_to_image"
    assert report["seed"] == 5
    assert report["scheduler"] == "ddim"
    assert report["steps"] == 2
    assert report["guidance_scale"] == 7.5
    assert report["bucket"] == [64, 64]
    assert report["prompt_tokens_cut"] == 25
    assert report["negative_prompt_tokens_cut"] == 1


def test_strength_0_gives_the_picture_through_the_vae_whatever_the_prompt(service: Service) -> None:
    first = ask(service, PNG, strength=0, prompt="a")
    assert first.report["steps"] == 0
    assert first.data == ask(service, PNG, strength=0, prompt="b", scheduler="lcm", guidance_scale=1).data


def test_strength_1_runs_every_step(service: Service) -> None:
    assert ask(service, PNG, strength=1, steps=6).report["steps"] == 6


def test_from_noise_only_the_picture_s_aspect_counts(service: Service) -> None:
    white = png(np.full((30, 30, 3), 255, np.uint8))
    first, second = ask(service, white, init="noise", steps=2), ask(service, PNG, init="noise", steps=2)
    assert first.data == second.data
    tall = ask(service, png(np.zeros((50, 30, 3), np.uint8)), init="noise", steps=2, size=128)
    assert tall.pixels.shape == (160, 96, 3)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(64, 64, (128, 128)), (300, 200, (144, 96)), (40, 200, (32, 160)), (90, 160, (90, 160))],
)
def test_the_aspect_is_kept(service: Service, height: int, width: int, expected: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    assert ask(service, png(pixels), size=128, steps=1).pixels.shape[:2] == expected


def test_alpha_is_scaled_along_and_grey_becomes_colour(service: Service) -> None:
    alpha = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 77, np.uint8)])
    result = ask(service, png(alpha), size=128, steps=1).pixels
    assert result.shape == (128, 128, 4)
    assert (result[..., 3] == 77).all()
    assert ask(service, png(PHOTO[..., 0]), steps=1).pixels.shape == (64, 64, 3)


def test_previews_show_in_the_job_s_state(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Notes(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            shown.append(value)
            super().__setitem__(key, value)

    original = Job.__init__

    def with_notes(self: Job, *args: Any) -> None:
        original(self, *args)
        self.notes = Notes()

    monkeypatch.setattr(Job, "__init__", with_notes)
    ask(service, PNG, steps=10, strength=1, preview=3, size=128)
    assert len(shown) == 3
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(shown[-1])))
    assert picture.size == (16, 16)
    shown.clear()
    ask(service, PNG, steps=2)
    assert not shown


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 100}, "size must be 64 or 128 for this model version, got 100."),
        ({"steps": 0}, "steps must be a whole number from 1 to 150, got 0."),
        ({"steps": 151}, "steps must be a whole number from 1 to 150, got 151."),
        ({"steps": 51, "scheduler": "lcm"}, "steps must be at most 50 with the scheduler lcm, got 51."),
        ({"strength": 1.1}, "strength must be a number from 0 to 1, got 1.1."),
        ({"scheduler": "heun"}, 'scheduler must be "ddim", "euler", "dpmpp_2m" or "lcm", got "heun".'),
        ({"guidance_scale": -1.0}, "guidance_scale must be a number from 0 to 30, got -1.0."),
        ({"seed": -1}, "seed must be a whole number from 0 to 2**63 - 1, got -1."),
        ({"init": "blank"}, 'init must be "picture" or "noise", got "blank".'),
    ],
)
def test_bad_options_are_named(service: Service, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadOptionError) as refused:
        ask(service, PNG, **options)
    assert refused.value.message == sentence


class _Spoilt:
    """Runs the real network, then spoils one output."""

    def __init__(self, network: Network, output: int, value: float, after: int = 0) -> None:
        self._network, self._output, self._value, self._left = network, output, value, after

    def run(self, inputs: Unit) -> Unit:
        outputs = [array.copy() for array in self._network.runner.run(inputs)]
        if self._left <= 0:
            outputs[self._output][...] = self._value
        self._left -= 1
        return tuple(outputs)


@pytest.mark.parametrize(
    ("name", "output", "value", "after", "sentence"),
    [
        ("unet", 0, np.nan, 3, "at step 4 of 5"),
        ("vae_encoder", 0, np.nan, 0, "before the first step"),
        ("text_encoder", 0, np.nan, 0, "The text encoder gave values that are not numbers"),
        ("vae_decoder", 1, 0, 0, "The VAE decoder gave values that are not numbers"),
    ],
)
def test_numbers_that_are_not_finite_are_an_error_and_never_a_picture(
    version: ModelVersion, name: str, output: int, value: float, after: int, sentence: str
) -> None:
    network = version.networks[name]
    spoilt = replace(network, runner=_Spoilt(network, output, value, after))
    engine = Engine(EngineConfig(max_batch=8))
    engine.start()
    try:
        service = Service(TASK, replace(version, networks=version.networks | {name: spoilt}), engine)
        load_model(version.path).contexts.clear()
        with pytest.raises(InternalError, match=sentence):
            ask(service, PNG, steps=5, strength=1, guidance_scale=1)
    finally:
        load_model(version.path).contexts.clear()
        engine.stop(grace_s=0.0)


def test_the_decoder_s_graph_tells_what_is_not_finite(version: ModelVersion) -> None:
    latents = np.zeros((3, 4, 8, 8), np.float32)
    latents[1, 0, 0, 0] = np.nan
    latents[2, :] = np.inf
    _, finite = version.networks["vae_decoder"].runner.run((latents,))
    assert finite.tolist() == [1, 0, 0]


def test_warm_up_runs_every_network(version: ModelVersion) -> None:
    seen = set()
    for network, unit in TASK.warm_up(version):
        network.run([unit])
        seen.add(network.name)
    assert seen == set(version.networks)
