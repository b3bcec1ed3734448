"""Loading a model version: the networks that were exported, and no others."""

import json
import weakref
from pathlib import Path

import numpy as np
import pytest

from darkroom.config import ConfigError
from darkroom.engine.simulated import VARIABLE, SimulatedRunner
from darkroom.side_by_side import SideBySide
from darkroom.version import ModelVersion
from tests.unit.tiny_onnx import write_version


@pytest.fixture(autouse=True)
def _no_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def load(path: Path, *, gpu: bool = False) -> ModelVersion:
    return ModelVersion.load(path, "denoise", "3", gpu=gpu)


def test_a_version_is_its_folder_its_tunables_and_its_networks(tmp_path: Path) -> None:
    version = load(write_version(tmp_path))
    assert (version.task, version.number, version.path, version.simulated) == ("denoise", "3", tmp_path, False)
    network = version.networks["tiny"]
    assert isinstance(network.runner, SideBySide)
    assert (network.name, network.max_batch, network.pad_batches) == ("tiny", 4, False)
    image = np.full((2, 2, 3), 7, np.uint8)
    assert (network.run([(image, np.float32(1))])[0][0] == 7).all()


def test_a_network_s_own_largest_batch_wins(tmp_path: Path) -> None:
    write_version(tmp_path)
    (tmp_path / "pipeline.json").write_text('{"networks": {"tiny": {"max_batch": 2}}}')
    assert load(tmp_path).networks["tiny"].max_batch == 2


def test_another_file_than_the_exported_one_is_refused(tmp_path: Path) -> None:
    write_version(tmp_path)
    with (tmp_path / "tiny.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ConfigError, match=r"tiny\.onnx is not the file that was exported \(sha256 \w{16}, expected"):
        load(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    write_version(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    with pytest.raises(ConfigError, match=r"tiny\.onnx is missing; `make export` writes it\."):
        load(tmp_path)


def test_a_network_that_is_not_exported_is_named(tmp_path: Path) -> None:
    write_version(tmp_path)
    (tmp_path / "networks.json").write_text("{}")
    with pytest.raises(ConfigError, match="the network tiny is not exported; `make export` does it"):
        load(tmp_path)


def test_exported_networks_that_are_not_wanted_are_not_loaded(tmp_path: Path) -> None:
    write_version(tmp_path)
    records = json.loads((tmp_path / "networks.json").read_text())
    records["other"] = {**records["tiny"], "file": "other.onnx"}
    (tmp_path / "networks.json").write_text(json.dumps(records))
    assert list(load(tmp_path).networks) == ["tiny"]


def test_a_network_for_sixteen_bits_has_the_tunables_of_the_one_for_eight(tmp_path: Path) -> None:
    write_version(tmp_path)
    (tmp_path / "pipeline.json").write_text('{"networks": {"tiny": {"max_batch": 2}}}')
    records = json.loads((tmp_path / "networks.json").read_text())
    records["tiny_16bit"] = records["tiny"] | {"bits": 16}
    (tmp_path / "networks.json").write_text(json.dumps(records))

    version = load(tmp_path)

    assert version.networks["tiny_16bit"].record.bits == 16
    assert version.networks["tiny_16bit"].max_batch == 2
    assert version.config.networks["tiny_16bit"] == version.config.networks["tiny"]


def test_a_simulated_version_has_the_gpu_s_tunables_and_needs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    monkeypatch.setenv(VARIABLE, "1,1")
    version = load(tmp_path)
    assert version.simulated
    assert isinstance(version.networks["tiny"].runner, SimulatedRunner)
    assert version.networks["tiny"].max_batch == 16


def test_a_network_that_decides_what_comes_next_computes_in_a_simulation_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(tmp_path, simulated="compute")
    monkeypatch.setenv(VARIABLE, "1,1")
    network = load(tmp_path).networks["tiny"]
    assert isinstance(network.runner, SimulatedRunner)
    (outputs,) = network.run([(np.zeros((2, 2, 3), np.uint8), np.float32(4))])
    assert outputs[1] == 8
    (tmp_path / "tiny.onnx").unlink()
    with pytest.raises(ConfigError, match="is missing"):
        load(tmp_path)


def test_closing_frees_every_network(tmp_path: Path) -> None:
    version = load(write_version(tmp_path))
    session = weakref.ref(version.networks["tiny"].runner._wide._session)  # type: ignore[attr-defined]
    version.close()
    assert session() is None


def test_a_provider_s_settings_come_from_the_pipeline_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_version(tmp_path)
    limited = {"CUDAExecutionProvider": {"gpu_mem_limit": 2**33, "arena_extend_strategy": "kSameAsRequested"}}
    (tmp_path / "pipeline.json").write_text(json.dumps({"networks": {"tiny": {}}, "providers": limited}))
    asked: list[object] = []
    monkeypatch.setattr("darkroom.network.providers", lambda *args: asked.append(args[-1]) or ["CPUExecutionProvider"])
    load(tmp_path, gpu=True)
    assert asked == [limited]


def test_a_provider_that_is_none_is_named(tmp_path: Path) -> None:
    write_version(tmp_path)
    (tmp_path / "pipeline.json").write_text(json.dumps({"networks": {"tiny": {}}, "providers": {"CUDA": {}}}))
    with pytest.raises(ConfigError, match=r"providers\.CUDA.*'TensorrtExecutionProvider' or 'CUDAExecutionProvider'"):
        load(tmp_path)
