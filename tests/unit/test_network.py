"""A network runs batches: what goes in together, what comes out for whom, and what a failure says."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from darkroom.config import NetworkRecord
from darkroom.network import Network, NetworkError, OnnxRunner, Unit, padded_batch, providers
from tests.unit.tiny_onnx import record, write_network


@dataclass
class Recorder:
    """Gives the first input back, first and doubled, `short` units less; remembers what it was given."""

    short: int = 0
    error: Exception | None = None
    batches: list[Unit] = field(default_factory=list)

    def run(self, inputs: Unit) -> Unit:
        self.batches.append(inputs)
        if self.error is not None:
            raise self.error
        first = inputs[0][: len(inputs[0]) - self.short]
        return first, 2 * first


def network(runner: Recorder, **settings: object) -> Network:
    return Network("restorer", runner, NetworkRecord(**record(scale=2)), **settings)


def unit(value: int) -> Unit:
    return np.full((2, 3), value, np.int64), np.array(value / 2, np.float32)


def test_units_are_stacked_in_order_and_come_back_in_order() -> None:
    runner = Recorder()
    results = network(runner).run([unit(5), unit(7), unit(6)])
    ((image, sigma),) = runner.batches
    assert (image.shape, sigma.shape) == ((3, 2, 3), (3,))
    assert sigma.tolist() == [2.5, 3.5, 3.0]
    assert [[int(output[0, 0]) for output in outputs] for outputs in results] == [[5, 10], [7, 14], [6, 12]]
    assert results[0][0].shape == (2, 3)


@pytest.mark.parametrize(("count", "padded"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (9, 12), (12, 12)])
def test_batches_are_padded_to_powers_of_two_at_most_the_largest(count: int, padded: int) -> None:
    runner = Recorder()
    results = network(runner, max_batch=12, pad_batches=True).run([unit(i) for i in range(count)])
    assert len(runner.batches[0][0]) == padded == padded_batch(count, 12)
    assert [int(outputs[0][0, 0]) for outputs in results] == list(range(count))
    assert runner.batches[0][0][count:].tolist() == [unit(count - 1)[0].tolist()] * (padded - count)


def test_without_padding_a_batch_is_as_large_as_it_is() -> None:
    runner = Recorder()
    network(runner).run([unit(i) for i in range(3)])
    assert len(runner.batches[0][0]) == 3


def test_a_wrong_number_of_outputs_is_an_error_and_no_picture() -> None:
    with pytest.raises(NetworkError, match=r"^The network restorer answered 2 of 3 units\.$"):
        network(Recorder(short=1)).run([unit(i) for i in range(3)])


def test_a_failure_names_the_network_and_nothing_of_the_machine() -> None:
    cause = RuntimeError("/opt/models/restorer.onnx: CUDA error 700 on host gpu-17")
    with pytest.raises(NetworkError) as failed:
        network(Recorder(error=cause)).run([unit(1)])
    assert str(failed.value) == "The network restorer failed on this input (RuntimeError)."
    assert failed.value.__cause__ is cause


def test_the_scale_is_the_record_s() -> None:
    assert network(Recorder()).scale == 2


def test_onnx_inputs_are_given_in_the_graph_s_order(tmp_path: Path) -> None:
    write_network(tmp_path / "tiny.onnx")
    runner = OnnxRunner(tmp_path / "tiny.onnx", gpu=False, threads=1)
    tiny = Network("tiny", runner, NetworkRecord(**record()))
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    results = tiny.run([(image, np.array(i, np.float32)) for i, image in enumerate(images)])
    for i, (output, doubled) in enumerate(results):
        np.testing.assert_array_equal(output, images[i])
        assert doubled == 2 * i


def test_bound_inputs_and_outputs_give_the_same_bytes_from_many_threads(tmp_path: Path) -> None:
    """The way a GPU is run, on the device that is here."""
    write_network(tmp_path / "tiny.onnx")
    runner = OnnxRunner(tmp_path / "tiny.onnx", gpu=False, threads=1)
    rng = np.random.default_rng(0)
    batches = [(rng.integers(0, 256, (n, 4, 5 + n, 3), np.uint8), rng.random(n, np.float32)) for n in (1, 2, 3, 4) * 25]
    with ThreadPoolExecutor(4) as pool:
        bound = list(pool.map(lambda batch: runner.run_bound(batch, "cpu"), batches))
    for batch, outputs in zip(batches, bound, strict=True):
        for output, expected in zip(outputs, runner.run(batch), strict=True):
            assert output.dtype == expected.dtype
            np.testing.assert_array_equal(output, expected)
    strided = (batches[3][0][:, :, ::-1], batches[3][1])
    np.testing.assert_array_equal(runner.run_bound(strided, "cpu")[0], strided[0])


def test_a_closed_runner_has_freed_its_session(tmp_path: Path) -> None:
    write_network(tmp_path / "tiny.onnx")
    runner = OnnxRunner(tmp_path / "tiny.onnx", gpu=False, threads=1)
    session = weakref.ref(runner._session)
    Network("tiny", runner, NetworkRecord(**record())).close()
    assert session() is None


@pytest.mark.parametrize("wrong", [(np.zeros((4, 4, 3), np.uint8),), (np.zeros((4, 4, 3), np.float32), np.float32(0))])
def test_onnx_refuses_inputs_of_another_number_or_type(tmp_path: Path, wrong: Unit) -> None:
    write_network(tmp_path / "tiny.onnx")
    tiny = Network("tiny", OnnxRunner(tmp_path / "tiny.onnx", gpu=False, threads=1), NetworkRecord(**record()))
    with pytest.raises(NetworkError, match=r"^The network tiny failed on this input \(\w+\)\.$") as failed:
        tiny.run([wrong])
    assert str(tmp_path) not in str(failed.value)


def test_providers_in_order_of_preference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    everything = ["CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: everything)
    tensorrt, cuda, cpu = providers(gpu=True, engine_cache=tmp_path)
    assert (tensorrt[0], cuda[0], cpu) == ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    assert tensorrt[1]["trt_engine_cache_path"] == str(tmp_path)
    assert "trt_engine_cache_path" not in providers(gpu=True)[0][1]
    assert providers(gpu=False) == ["CPUExecutionProvider"]
    limited = {"CUDAExecutionProvider": {"gpu_mem_limit": 2**33}, "TensorrtExecutionProvider": {"trt_fp16_enable": 0}}
    assert providers(gpu=True, settings=limited)[:2] == [
        ("TensorrtExecutionProvider", {"trt_fp16_enable": 0}),
        ("CUDAExecutionProvider", {"gpu_mem_limit": 2**33}),
    ]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert [provider[0] for provider in providers(gpu=True)[:-1]] == ["CUDAExecutionProvider"]
