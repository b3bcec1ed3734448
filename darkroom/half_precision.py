"""A network on the CPU in half precision, by OpenVINO: three to six times as fast where the processor has matrix units
(AMX), and used only where export proved that nobody sees it."""

import threading
from functools import cache
from pathlib import Path
from typing import Any

from darkroom.config import CpuPrecision, NetworkRecord
from darkroom.network import Unit

PREFERRED: tuple[CpuPrecision, ...] = ("f16", "bf16")
"""f16 has the finer steps, bf16 the wider range; both cost the same."""
MIN_PSNR = 50.0
"""dB, of the half-precision answer against the fp32 one: below a third of a grey level."""
_CAPABILITY: dict[CpuPrecision, str] = {"f16": "FP16", "bf16": "BF16"}


def choose_precision(record: NetworkRecord) -> CpuPrecision | None:
    """The half precision in which this processor may run the network; None where it has to be fp32."""
    proven = [precision for precision in PREFERRED if record.cpu_precisions.get(precision, 0.0) >= MIN_PSNR]
    return next((precision for precision in proven if precision in native()), None)


@cache
def native() -> frozenset[CpuPrecision]:
    """The half precisions that this processor computes in itself."""
    has = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return frozenset(precision for precision in PREFERRED if _CAPABILITY[precision] in has)


class HalfPrecisionRunner:
    """One compiled network. Runs of several threads take turns: each would take every core anyway."""

    def __init__(self, path: Path, precision: CpuPrecision, *, threads: int) -> None:
        """`threads`: as many as cores, or fewer. Raises RuntimeError for a file that OpenVINO cannot load."""
        core = _core()
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # The cores belong to the codecs and the other models as well.
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled: Any = core.compile_model(core.read_model(path), "CPU", settings)
        self._request: Any = self._compiled.create_infer_request()
        self._turn = threading.Lock()

    def run(self, inputs: Unit) -> Unit:
        with self._turn:
            results = self._request.infer(list(inputs), share_inputs=True)
            return tuple(results.to_tuple())

    def release_memory(self) -> None:
        """Give back what the last batches worked in; the next one takes it anew. Does nothing during a run."""
        if self._turn.acquire(blocking=False):
            try:
                self._compiled.release_memory()
            finally:
                self._turn.release()

    def close(self) -> None:
        self._request = self._compiled = None


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()
