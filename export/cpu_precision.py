"""Would anybody see it if OpenVINO computed the network on a CPU? Measured on the parity photographs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkroom.config import CpuPrecision
from darkroom.openvino_runner import OpenVinoRunner, native
from demo.metrics import PEAK, psnr
from export import parity

_BEST = 99.0
"""dB told for answers that are the same."""


def measure(
    path: Path, feeds: Sequence[parity.Arrays], *, half: bool = True, peak: float = PEAK
) -> dict[CpuPrecision, float]:
    """Precision -> PSNR in dB of its first output against onnxruntime's in fp32, the lowest of all `feeds` (input name
    -> array). `half`: whether half precision is tried too. `peak`: the largest level of the output.

    Only precisions that this machine's processor has, and in which a picture does not depend on the rest of its batch.
    """
    network = parity.session(path)
    names = [entry.name for entry in network.get_inputs()]
    found: dict[CpuPrecision, float] = {}
    for precision in sorted(native() if half else native() & {"f32"}):
        runner = OpenVinoRunner(path, precision, threads=0)
        ratios = []
        for feed in feeds:
            inputs = tuple(np.ascontiguousarray(feed[name]) for name in names)
            answers = runner.run(inputs)[0]
            expected = network.run(None, dict(feed))[0]
            to_levels = PEAK / peak
            ratios.append(
                min(_BEST, psnr(expected.astype(np.float64) * to_levels, answers.astype(np.float64) * to_levels))
            )
            if not all(np.array_equal(_alone(runner, inputs, item), answer) for item, answer in enumerate(answers)):
                break
        else:
            found[precision] = round(min(ratios), 1)
        runner.close()
    return found


def _alone(runner: OpenVinoRunner, inputs: tuple[NDArray[Any], ...], item: int) -> NDArray[Any]:
    answer: NDArray[Any] = runner.run(tuple(array[item : item + 1] for array in inputs))[0][0]
    return answer
