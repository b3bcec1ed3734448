"""Restorers that a user brings, published and served: their files are small stand-ins of the published shapes."""

import argparse
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from pictures import file_of, pixels_of
from wire import Answer, Call, RefusedError, grpc

from darkroom.server import Server
from export import run
from export.recipes import face_enhance
from perf import composites
from tests import restorers


@contextmanager
def serving(repository: Path, folder: Path, file: Path, *options: str) -> Iterator[Server]:
    """A server whose face_enhance is version 2, published from `file` by the real recipe."""
    task = folder / "models" / "face_enhance"
    shutil.copytree(repository / "face_enhance", task, ignore=shutil.ignore_patterns("[2-9]", "__pycache__", ".*"))
    with pytest.MonkeyPatch.context() as patch:
        # Without the large default restorer, which takes seconds to warm up and is tested elsewhere.
        rest = tuple(network for network in face_enhance.NETWORKS if network.name != "realesrgan_x4plus")
        patch.setattr(face_enhance, "NETWORKS", rest)
        parser = argparse.ArgumentParser()
        face_enhance.RECIPE.arguments(parser)
        arguments = parser.parse_args(["--restorer", str(file), *options])
        arguments.repository, arguments.force = task.parent, False
        assert run.export(face_enhance.RECIPE, arguments, lambda line: None).name == "2"
    with Server(task.parent, models=["face_enhance"], config_name="cpu") as running:
        yield running


@pytest.fixture(scope="module")
def gfpgan(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("gfpgan")
    with serving(repository, folder, restorers.gfpgan_shaped(folder / "GFPGANv1.4.onnx")) as running:
        yield running


@pytest.fixture(scope="module")
def codeformer(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("codeformer")
    file = restorers.codeformer_shaped(folder / "codeformer.onnx")
    with serving(repository, folder, file, "--restorer-licence", "S-Lab License 1.0") as running:
        yield running


def enhance(server: Server, pixels: np.ndarray, **options: object) -> Answer:
    return grpc(server, Call(file_of(pixels), "face_enhance", options={"deadline_s": 600.0, **options}))


def difference(answer: Answer, pixels: np.ndarray) -> np.ndarray:
    return np.abs(pixels_of(answer.image).astype(int) - pixels)


def test_a_gfpgan_shaped_file_serves(gfpgan: Server) -> None:
    pixels = skimage.data.astronaut()
    answer = enhance(gfpgan, pixels)
    assert answer.report["version"] == "2"
    assert answer.report["network"] == "gfpganv1_4"
    assert answer.report["weights"] == "GFPGANv1.4.onnx"
    changed = difference(answer, pixels)
    assert changed[60:170, 180:265].mean() > 0.5
    assert changed[300:].max() == 0
    with pytest.raises(RefusedError, match="network must be one of gfpganv1_4"):
        enhance(gfpgan, pixels, network="realesrgan_x4plus")


def test_fidelity_mixes_with_the_original(gfpgan: Server) -> None:
    pixels = skimage.data.astronaut()
    most, half, none = (difference(enhance(gfpgan, pixels, fidelity=f), pixels) for f in (0.0, 0.5, 1.0))
    assert none.max() == 0
    assert np.abs(half - most / 2).max() <= 1


def test_twenty_faces_come_back_in_one_picture_and_alone_and_in_company_the_same(gfpgan: Server) -> None:
    crowd, single = composites.group(20, columns=5), skimage.data.astronaut()
    alone = [enhance(gfpgan, pixels) for pixels in (crowd, single)]
    assert len(alone[0].report["faces"]) == 20
    assert np.all(difference(alone[0], crowd).reshape(4, 200, 5, 200, 3).max(axis=(1, 3, 4)) > 0)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pixels: enhance(gfpgan, pixels), (crowd, single, crowd, single)))
    assert [answer.image for answer in together] == [answer.image for answer in alone] * 2


@pytest.mark.parametrize("scale", [2, 4])
def test_faces_are_pasted_into_the_enlarged_picture(gfpgan: Server, scale: int) -> None:
    pixels = skimage.data.astronaut()[:230, 110:340]
    plain = pixels_of(enhance(gfpgan, pixels, scale=scale, fidelity=1.0).image).astype(int)
    faced = pixels_of(enhance(gfpgan, pixels, scale=scale).image).astype(int)
    assert plain.shape == (230 * scale, 230 * scale, 3)
    changed = np.abs(faced - plain).max(axis=2)
    assert changed[120 * scale, 115 * scale] > 0
    assert changed[:, : 15 * scale].max() == 0


def test_a_codeformer_shaped_file_serves_and_each_job_has_its_own_weight(codeformer: Server) -> None:
    pixels = skimage.data.astronaut()
    weights = [0.0, 0.25, 0.75, 1.0]

    def with_weight(weight: float) -> bytes:
        return enhance(codeformer, pixels, restorer_weight=weight).image

    alone = list(map(with_weight, weights))
    assert len(set(alone)) == 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(with_weight, weights)) == alone
    unnamed = enhance(codeformer, pixels)
    assert unnamed.image == with_weight(0.5)
    assert unnamed.report["network"] == "codeformer"
