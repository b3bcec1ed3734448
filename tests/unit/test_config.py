"""The two JSON files of a version: defaults, what differs on a CPU, and errors that name file and key."""

import json
from pathlib import Path
from typing import Any

import pytest

from darkroom.config import ConfigError, EngineConfig, Limits, NetworkConfig, load_networks, load_pipeline
from tests.unit.tiny_onnx import record


def write(folder: Path, name: str, content: Any) -> Path:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def pipeline(folder: Path, **content: Any) -> Path:
    return write(folder, "pipeline.json", {"networks": {"net": {}}} | content)


def test_networks_are_all_that_must_be_said(tmp_path: Path) -> None:
    config = load_pipeline(pipeline(tmp_path), cpu=False)
    assert config.networks == {"net": NetworkConfig()}
    assert (config.limits, config.engine, config.options) == (Limits(), EngineConfig(), {})
    assert config.limits.default_deadline_s == 30


def test_the_cpu_section_is_merged_key_by_key_on_a_cpu_only(tmp_path: Path) -> None:
    tiling = {"heights": [128], "widths": [64, 128], "halo": 9}
    pipeline(
        tmp_path,
        networks={"net": {"tiling": tiling, "max_batch": 8}, "other": {}},
        engine={"max_batch": 32, "streams": 2},
        options={"buckets": [512]},
        cpu={"networks": {"net": {"tiling": {"heights": [64]}}}, "engine": {"streams": 1}, "options": {"extra": 1}},
    )
    gpu, cpu = load_pipeline(tmp_path, cpu=False), load_pipeline(tmp_path, cpu=True)
    assert (gpu.engine.max_batch, gpu.engine.streams) == (32, 2)
    assert (cpu.engine.max_batch, cpu.engine.streams) == (32, 1)
    of_gpu, of_cpu = gpu.networks["net"], cpu.networks["net"]
    assert of_gpu.tiling is not None
    assert of_cpu.tiling is not None
    assert (of_gpu.tiling.heights, of_gpu.tiling.widths, of_gpu.tiling.halo) == ((128,), (64, 128), 9)
    # a list is replaced as a whole, an object key by key
    assert (of_cpu.tiling.heights, of_cpu.tiling.widths, of_cpu.tiling.halo) == ((64,), (64, 128), 9)
    assert of_cpu.max_batch == 8
    assert set(cpu.networks) == {"net", "other"}
    assert (gpu.options, cpu.options) == ({"buckets": [512]}, {"buckets": [512], "extra": 1})


def test_a_configuration_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    config = load_pipeline(pipeline(tmp_path), cpu=False)
    with pytest.raises(ValueError, match="frozen"):
        config.engine.max_batch = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"engine": {"max_batch": 0}}, "engine.max_batch: Input should be greater than 0"),
        ({"engine": {"max_batches": 4}}, "engine.max_batches: Extra inputs are not permitted"),
        ({"engine": {"streams": 9}}, "engine.streams: Input should be less than or equal to 4"),
        ({"limits": {"max_bytes": "much"}}, "limits.max_bytes: Input should be a valid integer"),
        ({"networks": {"net": {"tiling": {"halo": -1}}}}, "networks.net.tiling.halo: Input should be greater than or"),
        ({"networks": []}, "networks: Input should be a valid dictionary"),
        ({"comment": 1}, "comment: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_tunable_is_named_with_its_file_and_key(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_pipeline(pipeline(tmp_path, **content), cpu=False)
    assert str(wrong.value).startswith(f"{tmp_path / 'pipeline.json'}: {words}")


def test_what_only_a_cpu_would_read_wrong_is_named_on_a_cpu(tmp_path: Path) -> None:
    pipeline(tmp_path, cpu={"engine": {"max_batch": 0}})
    assert load_pipeline(tmp_path, cpu=False).engine.max_batch == 32
    with pytest.raises(ConfigError, match=r"engine\.max_batch"):
        load_pipeline(tmp_path, cpu=True)


@pytest.mark.parametrize("name", ["pipeline.json", "networks.json"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is missing; `make export` writes the networks of every task."),
        ("{", "is not JSON: Expecting property name"),
        ("[]", "must hold one JSON object, got list."),
    ],
)
def test_a_file_that_is_no_json_object(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    if content is not None:
        write(tmp_path, name, content)
    with pytest.raises(ConfigError) as wrong:
        load_pipeline(tmp_path, cpu=False) if name == "pipeline.json" else load_networks(tmp_path)
    assert str(wrong.value).startswith(f"{tmp_path / name} {words}")


def test_records_keep_what_export_adds(tmp_path: Path) -> None:
    records = load_networks(write(tmp_path, "networks.json", {"net": record(parameters=12, scale=4)}))
    assert records["net"].scale == 4
    assert records["net"].simulated == "nearest"
    assert records["net"].model_extra == {"parameters": 12}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"good": record(), "bad": {"file": "x.onnx"}}, "bad.sha256: Field required"),
        ({"bad": record(simulated="fast")}, "bad.simulated: Input should be 'nearest', 'echo' or 'compute'"),
        ({"bad": "x.onnx"}, "bad: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_record_is_named_with_its_network(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_networks(write(tmp_path, "networks.json", content))
    assert str(wrong.value).startswith(f"{tmp_path / 'networks.json'}: {words}")
