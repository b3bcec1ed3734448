"""What the peers serve is what Darkroom serves: the same pictures out of the same tiles."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from darkroom.engine.simulated import VARIABLE
from perf.load import photo
from perf.peers.restorer import Restorer

SIDES = (96, 200, 384)


@pytest.fixture
def restorer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Restorer:
    monkeypatch.setenv(VARIABLE, "0,0.01")
    monkeypatch.setenv("DARKROOM_RUNTIME_DIR", str(tmp_path))
    return Restorer("super_resolution")


def test_every_request_of_a_batch_gets_its_own_picture(restorer: Restorer) -> None:
    files = [photo(side, side, seed) for seed, side in enumerate(SIDES)]
    with ThreadPoolExecutor(2) as pool:
        answers = restorer.restore_all(files, pool)
    for file, answer in zip(files, answers, strict=True):
        picture = PIL.Image.open(io.BytesIO(file)).convert("RGB")
        enlarged = picture.resize((4 * picture.width, 4 * picture.height), PIL.Image.Resampling.NEAREST)
        restored = PIL.Image.open(io.BytesIO(answer))
        assert restored.format == "JPEG"
        assert restored.size == enlarged.size
        # the simulated device repeats pixels; what is left is JPEG of quality 95
        assert np.abs(np.asarray(restored, float) - np.asarray(enlarged, float)).mean() < 3


def test_a_file_alone_gives_the_same_bytes_as_in_company(restorer: Restorer) -> None:
    files = [photo(side, side, seed) for seed, side in enumerate(SIDES)]
    with ThreadPoolExecutor(2) as pool:
        together = restorer.restore_all(files, pool)
        alone = [restorer.restore_all([file], pool)[0] for file in files]
    assert together == alone


def test_its_shapes_are_those_its_tiles_have(restorer: Restorer) -> None:
    opened = restorer.open(photo(700, 500))
    shapes = {(tile.rows.size, tile.columns.size) for tile in opened.grid.tiles}
    assert shapes <= set(restorer.shapes())
