"""Options, settings and refusals of face_enhance, on networks that compute nothing."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from darkroom.codec import Header
from darkroom.config import ConfigError, NetworkRecord, PipelineConfig
from darkroom.errors import BadOptionError, DeadlineError
from darkroom.faces.alignment import template
from darkroom.faces.detection import Face, choose
from darkroom.network import Network, Unit
from darkroom.options import parse
from darkroom.pipelines import face_background, face_enhance
from darkroom.pipelines.face_enhance_options import FaceEnhanceOptions, face_settings
from darkroom.version import ModelVersion

RECORD = NetworkRecord(file="none.onnx", sha256="0" * 64, architecture="none", weights="none", licence="none")


class Nothing:
    def run(self, inputs: Unit) -> Unit:
        return inputs


def version(restorers: dict[str, Any] | None = None, *, denoises: bool = False, **options: Any) -> ModelVersion:
    known = {"plain": {"sides": [128, 256]}, "weighted": {"sides": [512], "weight": 0.5}}
    names = ["mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet", "span_x2", "plain", "weighted"]
    names += ["ffdnet_color"] * denoises
    settings = {"restorer": "plain", "restorers": known if restorers is None else restorers} | options
    config = PipelineConfig(networks={name: {} for name in names}, options=settings)
    networks = {name: Network(name, Nothing(), RECORD) for name in names}
    return ModelVersion("face_enhance", "1", Path("version"), config, networks)


def options(**given: Any) -> FaceEnhanceOptions:
    return parse(FaceEnhanceOptions, given)


def face(size: float, left: float = 0.0, top: float = 0.0, score: float = 0.99) -> Face:
    box = np.array([left, top, left + size, top + size * 1.2], np.float32)
    return Face(box, (template(512) / 400 * size + (left, top)).astype(np.float32), score)


def chosen(**given: Any) -> face_enhance.Chosen:
    return face_enhance.choose_restorer(version(), face_settings(version()), options(**given))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"scale": 3}, "scale must be 1, 2 or 4, got 3"),
        ({"min_face": 10}, "min_face must be a whole number from 20 to 16000"),
        ({"max_faces": 101}, "max_faces must be a whole number from 0 to 100, got 101"),
        ({"threshold": 1.5}, "threshold must be a number from 0 to 1, got 1.5"),
        ({"fidelity": -0.1}, "fidelity must be a number from 0 to 1"),
        ({"background": "blur"}, 'background must be "keep" or "restore", got "blur"'),
        ({"faces": 3}, "Unknown option .*faces"),
    ],
)
def test_options_out_of_range_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadOptionError, match=sentence):
        options(**given)


def test_the_restorer_is_chosen_by_name_or_by_the_version() -> None:
    assert chosen().network.name == "plain"
    assert chosen().extra == ()
    assert chosen(network="weighted").extra[0] == 0.5
    assert chosen(network="weighted", restorer_weight=0.8).extra[0] == np.float32(0.8)
    with pytest.raises(BadOptionError, match='network must be one of plain, weighted, got "span_x2"'):
        chosen(network="span_x2")
    with pytest.raises(BadOptionError, match="restorer_weight must be left out: the network plain has no such input"):
        chosen(restorer_weight=0.8)


def test_a_scale_without_a_network_is_refused() -> None:
    with pytest.raises(BadOptionError, match="scale"):
        face_enhance.estimate(version(), header(), options(scale=4))


def test_each_face_gets_the_crop_nearest_to_its_size() -> None:
    restorer = chosen()
    # A crop is 512 / 400 of the size here: 128 / 1.28 = 100 pixels, 256 / 1.28 = 200.
    assert [restorer.side_for(face(size)) for size in (20, 100, 135, 148, 200, 3000)] == [128, 128, 128, 256, 256, 256]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"restorer": "other"}, "restorer must be one of plain, weighted, got other"),
        ({"restorers": {"plain": {"sides": []}}}, "options.restorers.plain.sides"),
        ({"restorers": {"plain": {"sides": [128]}, "gone": {"sides": [512]}}}, "names gone, which is no network"),
        ({"tile_sides": [47]}, "tile_sides must be even and at least 12"),
        ({"min_faces": 3}, "options.min_faces"),
    ],
)
def test_settings_that_do_not_fit_are_told_to_the_operator(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        face_settings(version(**settings))


def header(width: int = 640, height: int = 480) -> Header:
    return Header("png", width, height, grey=False, alpha=False)


def test_the_price_grows_with_the_picture_and_the_background() -> None:
    def units(given: FaceEnhanceOptions, **size: int) -> int:
        return sum(work.units for work in face_enhance.estimate(version(), header(**size), given).work)

    assert units(options(), width=1280, height=960) > units(options())
    assert units(options(min_face=20)) > units(options())
    assert units(options(fidelity=1)) == units(options()) - 1
    assert units(options(max_faces=0)) == units(options()) - 1
    assert units(options(), width=30, height=30) == 0
    doubled = face_enhance.estimate(version(), header(), options(scale=2))
    assert (doubled.width, doubled.height) == (1280, 960)


def test_the_background_is_priced_where_it_can_be_restored() -> None:
    def units(denoises: bool, **given: Any) -> int:
        estimate = face_enhance.estimate(version(denoises=denoises), header(), options(**given))
        return sum(work.units for work in estimate.work if work.network.name == "ffdnet_color")

    assert units(True) == units(True, background="restore") > 0
    assert units(True, background="keep") == 0
    assert units(True, fidelity=1) == units(True, max_faces=0) == 0  # nothing would look pasted in
    assert units(False) == units(False, background="keep") == 0


def test_a_version_that_cannot_denoise_says_so_where_it_is_asked_to() -> None:
    assert face_background.denoiser(version(), face_settings(version()), options(), 480, 640) is None
    with pytest.raises(BadOptionError, match=r"background must be keep for this model version, .* no network ffdnet"):
        face_enhance.estimate(version(), header(), options(background="restore"))


def test_a_large_picture_keeps_its_background_unless_it_is_asked_for() -> None:
    loaded = version(denoises=True, background_pixels=300_000)

    def denoised(width: int, **given: Any) -> bool:
        work = face_enhance.estimate(loaded, header(width, 1000), options(**given)).work
        return any(part.network.name == "ffdnet_color" for part in work)

    assert denoised(300)
    assert not denoised(301)
    assert denoised(301, background="restore")


class Slow:
    """A device on which a face takes 3 s."""

    def batch_limit(self, network: Network, shape: tuple[int, ...]) -> int:
        return 4

    def seconds(self, network: Network, shape: tuple[int, ...], units: int) -> float:
        return 3.0 * units


def test_more_faces_than_the_deadline_allows_are_refused_at_once() -> None:
    now = time.monotonic()
    job: Any = SimpleNamespace(engine=SimpleNamespace(device=Slow()), admitted_at=now - 10, deadline_at=now + 20)
    face_enhance.refuse_if_too_many(job, chosen(), [face(100)] * 6)
    with pytest.raises(
        DeadlineError, match=r"has 21 faces, which take about 63 s to restore; (20|19) s are left"
    ) as refused:
        face_enhance.refuse_if_too_many(job, chosen(), [face(100)] * 21)
    assert refused.value.deadline_s is not None
    assert refused.value.deadline_s >= 10 + 63


def test_the_largest_faces_are_taken_and_told_in_reading_order() -> None:
    small, middle, large = face(50, top=0), face(80, top=300), face(120, top=100)
    assert choose([small, middle, large], 40, 2) == [large, middle]
    assert choose([small, middle, large], 40, 100) == [small, large, middle]
    assert choose([small, middle, large], 90, 100) == [large, middle]
    assert choose([small], 40, 0) == []
