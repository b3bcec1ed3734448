"""Every task through the client and the command line, on the real networks."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from darkroom_client import Darkroom
from PIL import Image

from darkroom.server import Server

ASTRONAUT = np.asarray(Image.fromarray(skimage.data.astronaut()).resize((256, 256)))


@pytest.fixture(scope="module")
def all_tasks() -> Iterator[Server]:
    with Server(config_name="cpu") as server:
        yield server


@pytest.fixture
def darkroom(all_tasks: Server) -> Darkroom:
    return Darkroom(all_tasks.grpc_url, deadline_s=120)


def test_super_resolution(darkroom: Darkroom) -> None:
    result = darkroom.super_resolution(ASTRONAUT[:64, :96], scale=4)
    assert result.numpy().shape == (256, 384, 3)
    assert result.report.network == "span_x4"
    assert result.report.weights


def test_denoise(darkroom: Darkroom) -> None:
    noisy = np.clip(ASTRONAUT + np.random.default_rng(1).normal(0, 25, ASTRONAUT.shape), 0, 255).astype(np.uint8)
    clean = darkroom.denoise(noisy, strength="auto").numpy()
    assert np.abs(clean.astype(float) - ASTRONAUT).mean() < 0.6 * np.abs(noisy.astype(float) - ASTRONAUT).mean()


def test_face_enhance(darkroom: Darkroom) -> None:
    result = darkroom.face_enhance(ASTRONAUT, fidelity=0.5)
    assert result.numpy().shape == (256, 256, 3)
    assert result.report.faces is not None
    (face,) = result.report.faces
    left, top, right, bottom = face.box
    assert 60 < (left + right) / 2 < 160
    assert 20 < (top + bottom) / 2 < 100
    assert len(face.landmarks) == 5


def test_image_to_image(darkroom: Darkroom) -> None:
    seen = []
    result = darkroom.image_to_image(ASTRONAUT, prompt="a fox", steps=4, strength=0.5, seed=7, on_progress=seen.append)
    again = darkroom.image_to_image(ASTRONAUT, prompt="a fox", steps=4, strength=0.5, seed=7)
    assert result.bytes == again.bytes
    assert result.report.seed == 7
    assert "random" in str(result.report.weights)


def test_every_model_is_healthy(darkroom: Darkroom) -> None:
    outcomes = darkroom.health(deadline_s=60)
    assert {outcome.model for outcome in outcomes} == {
        "super_resolution",
        "denoise",
        "face_enhance",
        "image_to_image",
        "jobs",
    }
    assert all(outcome.ok for outcome in outcomes), outcomes


@pytest.mark.parametrize(
    "command",
    [
        ("super-resolution", "--scale", "2"),
        ("denoise", "--strength", "auto"),
        ("face-enhance", "--scale", "2"),
        ("image-to-image", "--prompt", "a fox", "--steps", "2", "--seed", "7"),
    ],
)
def test_every_command(all_tasks: Server, tmp_path: Path, command: tuple[str, ...]) -> None:
    Image.fromarray(ASTRONAUT).save(tmp_path / "photo.jpg")
    name, *options = command
    arguments = [
        name,
        str(tmp_path / "photo.jpg"),
        "-o",
        str(tmp_path / "out.png"),
        "--url",
        all_tasks.grpc_url,
        *options,
    ]
    program = [sys.executable, "-c", "from darkroom_client.cli import main; main()"]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "out.png").format == "PNG"
