"""Which runner computes a network: onnxruntime on a GPU, and on the CPU in fp32; OpenVINO in half precision."""

import os
from pathlib import Path

from darkroom.config import NetworkRecord, PipelineConfig
from darkroom.half_precision import HalfPrecisionRunner, choose_precision
from darkroom.network import OnnxRunner, Runner

ENGINE_CACHE = "DARKROOM_ENGINE_CACHE"
"""Names the folder in which TensorRT keeps its engines across starts."""


def open_runner(file: Path, record: NetworkRecord, config: PipelineConfig, *, gpu: bool) -> Runner:
    """Load the ONNX file. Raises what onnxruntime or OpenVINO raise."""
    threads = os.cpu_count() or 1
    precision = choose_precision(record) if config.half_precision and not gpu else None
    if precision is not None:
        return HalfPrecisionRunner(file, precision, threads=threads)
    cache = os.environ.get(ENGINE_CACHE)
    return OnnxRunner(
        file,
        gpu=gpu,
        threads=threads,
        engine_cache=Path(cache) if cache else None,
        half_precision=record.half_precision and config.half_precision,
        settings=config.providers,
    )
