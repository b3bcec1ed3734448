"""Network: one exported ONNX network on one device. It runs batches; who is in them is the engine's business."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from darkroom.config import NetworkRecord, Provider
from darkroom.network_errors import NetworkError, OutOfMemoryError, kind_of

Array = npt.NDArray[Any]
Unit = tuple[Array, ...]
"""The inputs of one call, in the network's order, without the batch axis."""

ProviderSettings = Mapping[Provider, Mapping[str, Any]]
"""onnxruntime's options by execution provider, e.g. {"CUDAExecutionProvider": {"gpu_mem_limit": "8589934592"}}."""

log = logging.getLogger("darkroom")


class Runner(Protocol):
    """What runs a batch: onnxruntime, a simulated device, a fake in tests."""

    def run(self, inputs: Unit) -> Unit:
        """Arrays with the batch axis in, arrays with the batch axis out. Raises on failure."""

    def close(self) -> None:
        """Free what it holds. No run begins afterwards."""


@runtime_checkable
class Releasing(Protocol):
    """A runner that keeps memory between batches, and can do without."""

    def release_memory(self) -> None:
        """Give back what the last batches worked in; the next one takes it anew. Does nothing during a run."""


@dataclass(frozen=True, eq=False)
class Network:
    """A named network. `scale`: output pixels per input pixel, along one side. Compared by identity."""

    name: str
    runner: Runner
    record: NetworkRecord
    max_batch: int = 32
    pad_batches: bool = False
    """On a GPU a kernel is chosen per batch size: padding to powers of two keeps results and engines the same."""

    @property
    def scale(self) -> int:
        return self.record.scale

    def run(self, units: Sequence[Unit]) -> list[Unit]:
        """Run one batch of equally shaped units; one tuple of outputs a unit, in order. Raises NetworkError, as
        OutOfMemoryError or DeviceLostError where it is one of those."""
        count = len(units)
        rows = list(units)
        if self.pad_batches:
            rows += [units[-1]] * (padded_batch(count, self.max_batch) - count)
        try:
            outputs = self.runner.run(tuple(_batch([row[i] for row in rows]) for i in range(len(units[0]))))
        except Exception as error:
            kind = kind_of(error)
            shapes = [array.shape for array in rows[0]]
            if kind is OutOfMemoryError:
                log.warning("network %s: %d units of %s do not fit the memory: %s", self.name, len(rows), shapes, error)
                raise kind(f"The network {self.name} ran out of memory.") from error
            log.exception("network %s failed on %d units of %s", self.name, len(rows), shapes)
            raise kind(f"The network {self.name} failed on this input ({type(error).__name__}).") from error
        for output in outputs:
            if len(output) != len(rows):
                raise NetworkError(f"The network {self.name} answered {len(output)} of {len(rows)} units.")
        return [tuple(output[i] for output in outputs) for i in range(count)]

    def close(self) -> None:
        """Free the network's memory; its last run has begun."""
        self.runner.close()


def _batch(arrays: list[Array]) -> Array:
    """One array with a batch axis; of a single unit it is the unit itself, not a copy."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def padded_batch(count: int, most: int) -> int:
    """The smallest power of two that holds `count` units, at most `most`."""
    return min(most, 1 << (count - 1).bit_length())


class OnnxRunner:
    """An onnxruntime session on the best provider at hand."""

    def __init__(
        self,
        path: Path,
        *,
        gpu: bool,
        threads: int,
        engine_cache: Path | None = None,
        half_precision: bool = True,
        settings: ProviderSettings | None = None,
    ) -> None:
        """`threads`: intra-op threads on the CPU. `engine_cache`: folder for TensorRT engines, kept across starts.
        `half_precision`: whether TensorRT may compute in fp16. `settings`: see `providers`."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # spinning threads would take the cores from the other models and the codecs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        wanted = providers(gpu, engine_cache, half_precision, settings)
        self._session: Any = ort.InferenceSession(str(path), options, providers=wanted)
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._outputs = [entry.name for entry in self._session.get_outputs()]
        self._on_gpu = self._session.get_providers()[0] != "CPUExecutionProvider"

    def run(self, inputs: Unit) -> Unit:
        if self._on_gpu:
            return self.run_bound(inputs, "cuda")
        feeds = dict(zip(self._inputs, inputs, strict=True))
        return tuple(self._session.run(None, feeds))

    def run_bound(self, inputs: Unit, device: str) -> Unit:
        """Run with inputs and outputs bound to `device` ("cuda", "cpu"): each copy is a step of its own, which leaves
        the GPU to another stream's batch. Safe from several threads: every run has a binding of its own."""
        session = self._session
        binding = session.io_binding()
        for name, array in zip(self._inputs, inputs, strict=True):
            binding.bind_cpu_input(name, np.ascontiguousarray(array))
        for name in self._outputs:
            binding.bind_output(name, device)
        session.run_with_iobinding(binding)
        return tuple(binding.copy_outputs_to_cpu())

    def close(self) -> None:
        self._session = None


def providers(
    gpu: bool,
    engine_cache: Path | None = None,
    half_precision: bool = True,
    settings: ProviderSettings | None = None,
) -> list[Any]:
    """onnxruntime execution providers in order of preference, of those this build has: TensorRT, CUDA, CPU. `settings`
    go on top of what is set here."""
    wanted: list[Any] = []
    if gpu:
        tensorrt: dict[str, Any] = {"trt_fp16_enable": half_precision}
        if engine_cache is not None:
            tensorrt |= {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(engine_cache)}
        ours: dict[Provider, dict[str, Any]] = {"TensorrtExecutionProvider": tensorrt, "CUDAExecutionProvider": {}}
        wanted = [(name, {**options, **(settings or {}).get(name, {})}) for name, options in ours.items()]
    available = set(ort.get_available_providers())
    return [provider for provider in wanted if provider[0] in available] + ["CPUExecutionProvider"]
