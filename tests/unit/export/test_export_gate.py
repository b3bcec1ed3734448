"""The gate lets a good version through, tells what it found, and refuses each kind of bad one with its reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from darkroom.engine.simulated import VARIABLE as SIMULATE
from export.recipe import Recipe
from tests.unit.export import toy

OTHER = 1.0000002
"""Another network with the same results."""

Damage = Callable[[Path], Any]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A model folder with version 1, exported."""
    folder = toy.model_folder(tmp_path)
    toy.export(tmp_path, toy.recipe(toy.network()))
    return folder


def publish(task: Path, recipe: Recipe, **request: Any) -> Path:
    return toy.published(task.parent, recipe, **request)


def refusal(task: Path, recipe: Recipe, **request: Any) -> str:
    sentence = toy.refusal(lambda: publish(task, recipe, **request))
    assert sorted(path.name for path in task.iterdir()) == ["1", "config.pbtxt", "configs", "warmup"]
    assert [path.name for path in task.parent.iterdir()] == ["copying"]
    return sentence


def test_a_good_version_passes_and_its_figures_are_kept(task: Path) -> None:
    version = publish(task, toy.recipe(toy.network(1.0)), changes=((("engine", "max_batch"), 8),), note="for a test")
    told = json.loads((version / "publication.json").read_text())
    assert (told["task"], told["version"], told["base_version"], told["note"]) == ("copying", "2", "1", "for a test")
    assert told["changes"] == {"engine.max_batch": 8}
    assert told["gate"]["parity"]["largest_difference"] == {"copy": 0.0}
    found = told["gate"]["quality"]["groups"]["as it is"]
    assert found == {"psnr_db": 100.0, "ssim": 1.0, "before": {"psnr_db": 100.0, "ssim": 1.0}}
    assert told["allow_worse"] is None


def test_a_worse_picture_is_refused_with_both_figures(task: Path) -> None:
    sentence = refusal(task, toy.recipe(toy.network(0.9)))
    assert "The gate refuses version 2 (quality): Worse than version 1: as it is " in sentence
    assert "(was 100.00 / 1.000)" in sentence
    assert "--allow-worse REASON" in sentence


def test_worse_is_published_for_a_reason_which_is_kept(task: Path) -> None:
    version = publish(task, toy.recipe(toy.network(0.9)), allow_worse="half the time")
    told = json.loads((version / "publication.json").read_text())
    assert told["allow_worse"] == "half the time"
    assert len(told["gate"]["quality"]["worse"]) == 1


def test_within_the_margin_is_no_worse(task: Path) -> None:
    toy.published(task.parent, toy.recipe(toy.network(0.9)), allow_worse="a start")
    again = publish(task, toy.recipe(toy.network(0.8999)))
    assert again.name == "3"


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (toy.network(write=partial(toy.write_graph, element=TensorProto.FLOAT)), "image float32 of 4 axes; the pipe"),
        (toy.network(write=lambda path: path.write_bytes(b"no graph")), "copy.onnx"),
    ],
    ids=["another element type", "no ONNX at all"],
)
def test_a_network_with_other_ports_is_refused(task: Path, network: Any, reason: str) -> None:
    sentence = refusal(task, toy.recipe(network))
    assert "(ports): copy.onnx" in sentence
    assert reason in sentence


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "states no parity with torch"),
        ({"parity": {**toy.PARITY, "max_abs": 3.0}}, "by 3; allowed is 1"),
        ({"parity": {**toy.PARITY, "max_abs": float("nan")}}, "by nan; allowed is 1"),
        ({"parity": {"output": float("inf")}}, "by inf"),
    ],
)
def test_bad_parity_is_refused(task: Path, facts: dict[str, Any], reason: str) -> None:
    sentence = refusal(task, toy.recipe(toy.network(OTHER, facts=facts)))
    assert "(parity):" in sentence
    assert reason in sentence


def test_a_network_that_has_nothing_to_compare_with_says_why(task: Path) -> None:
    network = replace(toy.network(OTHER, facts={}), no_parity="brought as ONNX")
    told = json.loads((publish(task, toy.recipe(network)) / "publication.json").read_text())
    assert told["gate"]["parity"]["not_compared"] == ["copy: brought as ONNX"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"engine.max_batch": 0}, "engine.max_batch"),
        ({"engine.no_such": 1}, "engine.no_such"),
        ({"cpu.engine.streams": 9}, "engine.streams"),
        ({"networks.other": {}}, "pipeline.json names other; networks.json has copy"),
        ({"networks.copy.tiling": {"heights": [16], "halo": 12}}, "networks.copy.tiling"),
        ({"limits.default_deadline_s": 20}, "default_timeout_microseconds is 30000000"),
    ],
)
def test_tunables_that_cannot_be_are_refused(task: Path, changes: dict[str, Any], reason: str) -> None:
    pairs = tuple((tuple(key.split(".")), value) for key, value in changes.items())
    sentence = refusal(task, toy.recipe(toy.network()), changes=pairs)
    assert "(schema):" in sentence
    assert reason in sentence


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda task: (task / "config.pbtxt").write_text("name: {"), "is no Triton configuration"),
        (lambda task: (task / "configs" / "cpu.pbtxt").unlink(), "configs/cpu.pbtxt is missing"),
        (lambda task: _replace(task / "config.pbtxt", '"copying"', '"other"'), 'names the model "other"'),
        (lambda task: _replace(task / "config.pbtxt", '"report"', '"note"'), "outputs image, report"),
        (lambda task: _replace(task / "configs" / "cpu.pbtxt", "priority_levels: 2", "priority_levels: 3"), "differs"),
    ],
    ids=["no configuration", "missing variant", "another name", "another output", "variants disagree"],
)
def test_a_broken_configuration_is_refused(task: Path, damage: Damage, reason: str) -> None:
    damage(task)
    sentence = refusal(task, toy.recipe(toy.network()), changes=((("engine", "max_batch"), 8),))
    assert "(schema):" in sentence
    assert reason in sentence


def test_a_simulated_device_cannot_vouch_for_quality(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIMULATE, "8,2")
    assert f"{SIMULATE} is set" in refusal(task, toy.recipe(toy.network(0.99)))


def test_a_task_without_originals_says_so(task: Path) -> None:
    recipe = toy.recipe(toy.network(0.5), references=None, no_quality="nothing to compare with")
    told = json.loads((publish(task, recipe) / "publication.json").read_text())
    assert told["gate"]["quality"] == {"not_measured": "nothing to compare with"}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
