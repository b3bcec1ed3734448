"""Which runner computes a network: onnxruntime on a GPU; on the CPU OpenVINO where export proved it, else onnxruntime,
units of a batch side by side."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from darkroom.compiled import VARIABLE, CompiledCache, cache_folder
from darkroom.config import NetworkRecord, PipelineConfig
from darkroom.network import OnnxRunner, Releasing, Runner, Unit
from darkroom.openvino_runner import OpenVinoRunner, choose_precision
from darkroom.side_by_side import SideBySide

MOST_TWICE = 128 * 2**20
"""Bytes of a network that may be in memory twice, to run on all cores and on one."""


class LazyRunner:
    """A runner that is opened by its first run."""

    def __init__(self, open_it: Callable[[], Runner]) -> None:
        self._open = open_it
        self._runner: Runner | None = None
        self._lock = threading.Lock()

    def run(self, inputs: Unit) -> Unit:
        with self._lock:
            if self._runner is None:
                self._runner = self._open()
        return self._runner.run(inputs)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()

    def release_memory(self) -> None:
        if isinstance(self._runner, Releasing):
            self._runner.release_memory()


def open_runner(file: Path, record: NetworkRecord, config: PipelineConfig, *, gpu: bool) -> Runner:
    """Load the ONNX file. Raises what onnxruntime or OpenVINO raise."""
    cores = os.cpu_count() or 1
    if gpu:
        cache = os.environ.get(VARIABLE)
        return OnnxRunner(
            file,
            gpu=True,
            threads=cores,
            engine_cache=Path(cache) if cache else None,
            half_precision=record.half_precision and config.half_precision,
            settings=config.providers,
        )
    open_wide, open_narrow = _on_cores(file, record, cores, half=config.half_precision)
    size = sum((file.parent / name).stat().st_size for name in {file.name, *record.files})
    return SideBySide(open_wide, open_narrow if size <= MOST_TWICE else None, cores)


def _on_cores(file: Path, record: NetworkRecord, cores: int, *, half: bool) -> tuple[Callable[[], Runner], ...]:
    """How to load the network on all cores, and so that each core can run it on its own."""
    precision = choose_precision(record, half=half)
    if precision is None:
        return (
            lambda: OnnxRunner(file, gpu=False, threads=cores),
            lambda: OnnxRunner(file, gpu=False, threads=1),
        )
    kept = CompiledCache(cache_folder(os.environ), ",".join((record.sha256, *sorted(record.files.values()))))
    return (
        lambda: OpenVinoRunner(file, precision, threads=cores, kept=kept),
        lambda: OpenVinoRunner(file, precision, threads=cores, streams=cores, kept=kept),
    )
