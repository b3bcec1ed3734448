"""Latency curves of the machine at hand: every network over batch sizes, t(n) = base + unit * n.

On a GPU (onnxruntime's TensorRT or CUDA provider) the file takes the place of the A100 on paper:
`python -m perf.plan --curves out/perf/curves.json`, DARKROOM_SIMULATE="@/absolute/path/of/curves.json". Without one it
measures the CPU, and says so in the file.
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from darkroom.config import NetworkRecord, load_networks
from darkroom.network import Array, OnnxRunner, Unit, providers
from perf.harness import OUT, machine, report
from perf.plan import curves
from perf.plan.graph import OPEN_AXIS

BATCHES = (1, 2, 4, 8, 16, 32)
LONGEST_S = 2.0
"""A larger batch is not tried once one took so long (a CPU takes minutes for 32 tiles of a large network)."""
TYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=",".join(curves.COUNTED), help="default %(default)s")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each batch; their median counts")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="default %(default)s")
    parser.add_argument("--out", type=Path, default=OUT / "curves.json", help="default %(default)s")
    arguments = parser.parse_args()
    names = arguments.networks.split(",")
    if unknown := set(names) - set(curves.COUNTED):
        sys.exit(f"--networks must be of {', '.join(curves.COUNTED)}, got {', '.join(sorted(unknown))}.")
    provider = providers(gpu=True)[0]
    provider = provider if isinstance(provider, str) else provider[0]
    on_gpu = provider != "CPUExecutionProvider"
    device = provider.removesuffix("ExecutionProvider") if on_gpu else f"the CPU, {machine()['cpu']}"
    measured, rows = {}, []
    for name in names:
        version = curves.REPOSITORY / curves.COUNTED[name] / "1"
        record = load_networks(version)[name]
        sizes = [int(size) for size in arguments.batches.split(",")]
        points = _points(version / record.file, record, on_gpu, sizes, arguments.repeats)
        base_s, unit_s = curves.fit(points)
        measured[name] = curves.Curve(1000 * base_s, 1000 * unit_s, source=f"measured, batches of {len(points)} sizes")
        rows.append(_row(name, measured[name], points))
    curves.write(arguments.out, device, measured, machine=machine())
    report("calibrate", rows, device=device, curves=str(arguments.out))
    print(f"These are the curves of {device}.")


def _points(file: Path, record: NetworkRecord, gpu: bool, sizes: list[int], repeats: int) -> list[tuple[float, float]]:
    """(units, seconds) of each batch size."""
    runner = OnnxRunner(file, gpu=gpu, threads=os.cpu_count() or 1, half_precision=record.half_precision)
    points = []
    for size in sizes:
        inputs = _inputs(file, size)
        units = math.prod(inputs[0].shape) / record.simulated_unit
        runner.run(inputs)  # builds kernels
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            runner.run(inputs)
            seconds.append(time.perf_counter() - started)
        points.append((units, float(np.median(seconds))))
        if points[-1][1] > LONGEST_S:
            break
    return points


def _inputs(file: Path, size: int) -> Unit:
    """Random inputs of a batch; axes that the graph leaves open are 128."""
    rng = np.random.default_rng(0)
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    arrays: list[Array] = []
    for entry in session.get_inputs():
        shape = (size, *(axis if isinstance(axis, int) else OPEN_AXIS for axis in entry.shape[1:]))
        values = rng.random(shape) * (255 if entry.type == "tensor(uint8)" else 1)
        arrays.append(values.astype(TYPES[entry.type]))
    return tuple(arrays)


def _row(name: str, curve: curves.Curve, points: list[tuple[float, float]]) -> dict[str, Any]:
    worst = max(abs(curve.seconds(units) / seconds - 1) for units, seconds in points)
    return {
        "network": name,
        "base (ms)": curve.base_ms,
        "unit (ms)": curve.unit_ms,
        "largest batch (units)": points[-1][0],
        "it took (ms)": 1000 * points[-1][1],
        "line off by at most (%)": 100 * worst,
    }


if __name__ == "__main__":
    main()
