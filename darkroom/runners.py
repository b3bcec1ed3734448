"""Which runner computes a network: onnxruntime on a GPU; on the CPU onnxruntime in fp32 or OpenVINO in half precision,
units of a batch side by side."""

import os
from collections.abc import Callable
from pathlib import Path

from darkroom.config import CpuPrecision, NetworkRecord, PipelineConfig
from darkroom.half_precision import HalfPrecisionRunner, choose_precision
from darkroom.network import OnnxRunner, Runner
from darkroom.side_by_side import SideBySide

ENGINE_CACHE = "DARKROOM_ENGINE_CACHE"
"""Names the folder in which TensorRT keeps its engines across starts."""
MOST_TWICE = 128 * 2**20
"""Bytes of a network that may be in memory twice, to run on all cores and on one."""


def open_runner(file: Path, record: NetworkRecord, config: PipelineConfig, *, gpu: bool) -> Runner:
    """Load the ONNX file. Raises what onnxruntime or OpenVINO raise."""
    cores = os.cpu_count() or 1
    if gpu:
        cache = os.environ.get(ENGINE_CACHE)
        return OnnxRunner(
            file,
            gpu=True,
            threads=cores,
            engine_cache=Path(cache) if cache else None,
            half_precision=record.half_precision and config.half_precision,
            settings=config.providers,
        )
    open_wide, open_narrow = _on_cores(file, choose_precision(record) if config.half_precision else None, cores)
    size = sum((file.parent / name).stat().st_size for name in {file.name, *record.files})
    return SideBySide(open_wide, open_narrow if size <= MOST_TWICE else None, cores)


def _on_cores(file: Path, precision: CpuPrecision | None, cores: int) -> tuple[Callable[[], Runner], ...]:
    """How to load the network on all cores, and so that each core can run it on its own."""
    if precision is None:
        return (
            lambda: OnnxRunner(file, gpu=False, threads=cores),
            lambda: OnnxRunner(file, gpu=False, threads=1),
        )
    return (
        lambda: HalfPrecisionRunner(file, precision, threads=cores),
        lambda: HalfPrecisionRunner(file, precision, threads=cores, streams=cores),
    )
