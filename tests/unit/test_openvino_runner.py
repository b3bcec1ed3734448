"""OpenVINO on the CPU: when it is allowed and in which precision, and that it computes the network."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from darkroom import openvino_runner
from darkroom.config import CpuPrecision, NetworkRecord, load_pipeline
from darkroom.network import OnnxRunner, Runner
from darkroom.openvino_runner import OpenVinoRunner, choose_precision, native
from darkroom.runners import open_runner
from darkroom.side_by_side import SideBySide
from export.cpu_precision import measure
from tests.unit.tiny_onnx import record, write_version

PHOTO = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3), dtype=np.uint8)


def has(monkeypatch: pytest.MonkeyPatch, *precisions: CpuPrecision) -> None:
    monkeypatch.setattr(openvino_runner, "native", lambda: frozenset(precisions))


def proven(**decibels: float) -> NetworkRecord:
    return NetworkRecord(**record(cpu_precisions=decibels))


def write_gain(path: Path, gain: float) -> Path:
    """uint8 [n, h, w, 3] -> itself, by way of numbers `gain` times as large."""
    image, output = (
        helper.make_tensor_value_info(name, TensorProto.UINT8, ["n", "h", "w", 3]) for name in ("image", "output")
    )
    weights = [
        helper.make_tensor(f"by{i}", TensorProto.FLOAT, [3, 3, 1, 1], (np.eye(3) * by).ravel())
        for i, by in enumerate((gain, 1 / gain))
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "by0"], ["large"]),
        helper.make_node("Relu", ["large"], ["kept"]),
        helper.make_node("Conv", ["kept", "by1"], ["back"]),
        helper.make_node("Round", ["back"], ["whole"]),
        helper.make_node("Clip", ["whole", "black", "white"], ["levels"]),
        helper.make_node("Transpose", ["levels"], ["pixels"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["pixels"], ["output"], to=TensorProto.UINT8),
    ]
    weights += [helper.make_tensor(name, TensorProto.FLOAT, [], [by]) for name, by in (("black", 0), ("white", 255))]
    graph = helper.make_graph(nodes, "gain", [image], [output], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_the_finest_proven_precision_of_this_processor_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "f16", "bf16")
    assert choose_precision(proven(f16=60.0, bf16=52.0)) == "f16"
    assert choose_precision(proven(f16=49.9, bf16=52.0)) == "bf16"
    assert choose_precision(proven(f16=49.9, bf16=49.9)) is None
    assert choose_precision(proven()) is None
    has(monkeypatch, "bf16")
    assert choose_precision(proven(f16=60.0, bf16=52.0)) == "bf16"
    has(monkeypatch, "f32")
    assert choose_precision(proven(f16=60.0, bf16=52.0)) is None
    assert choose_precision(proven(f16=60.0, f32=90.0)) == "f32"


def test_without_half_precision_only_fp32_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "f16", "f32")
    assert choose_precision(proven(f16=60.0, f32=90.0), half=False) == "f32"
    assert choose_precision(proven(f16=60.0), half=False) is None


def test_a_version_may_forbid_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "f16")
    write_version(tmp_path)
    config = load_pipeline(tmp_path, cpu=True)
    allowed = open_runner(tmp_path / "tiny.onnx", proven(f16=60.0), config, gpu=False)
    assert isinstance(_wide(allowed), OpenVinoRunner)
    forbidden = config.model_copy(update={"half_precision": False})
    for runner in (
        open_runner(tmp_path / "tiny.onnx", proven(f16=60.0), forbidden, gpu=False),
        open_runner(tmp_path / "tiny.onnx", proven(), config, gpu=False),
    ):
        assert isinstance(_wide(runner), OnnxRunner)


def _wide(runner: Runner) -> Runner:
    assert isinstance(runner, SideBySide)
    return runner._wide


def test_a_batch_of_any_size_is_computed_and_stays_when_the_next_one_runs(tmp_path: Path) -> None:
    runner = OpenVinoRunner(write_gain(tmp_path / "gain.onnx", 1.0), "f16", threads=1)
    (first,) = runner.run((PHOTO,))
    (second,) = runner.run((255 - PHOTO[:1],))
    runner.release_memory()
    (third,) = runner.run((PHOTO[1:],))
    runner.close()
    assert np.array_equal(first, PHOTO)
    assert np.array_equal(second, 255 - PHOTO[:1])
    assert np.array_equal(third, PHOTO[1:])


def test_runs_of_several_threads_share_its_streams(tmp_path: Path) -> None:
    runner = OpenVinoRunner(write_gain(tmp_path / "gain.onnx", 1.0), "f16", threads=2, streams=2)
    pictures = [np.full((1, 40, 40, 3), level, np.uint8) for level in range(64)]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda picture: runner.run((picture,))[0], pictures))
    runner.release_memory()
    assert all(np.array_equal(answer, picture) for answer, picture in zip(answers, pictures, strict=True))
    assert np.array_equal(runner.run((PHOTO,))[0], PHOTO)
    runner.close()


def test_export_measures_what_this_processor_can_do(tmp_path: Path) -> None:
    found = measure(write_gain(tmp_path / "gain.onnx", 1.0), [{"image": PHOTO}])
    assert found == dict.fromkeys(native(), 99.0)


def test_export_finds_that_a_network_overflows_in_half_precision(tmp_path: Path) -> None:
    found = measure(write_gain(tmp_path / "gain.onnx", 1e4), [{"image": PHOTO}])
    assert found.get("f16", 0.0) < openvino_runner.MIN_PSNR
