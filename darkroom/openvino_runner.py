"""A network on the CPU in half precision, by OpenVINO: three to six times as fast where the processor has matrix units
(AMX), and used only where export proved that nobody sees it."""

import contextlib
import queue
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
    """One compiled network. Safe from several threads: more runs at once than streams take turns."""

    def __init__(self, path: Path, precision: CpuPrecision, *, threads: int, streams: int = 1) -> None:
        """`threads`: as many as cores, or fewer; `streams`: runs that share them at once. Raises RuntimeError for a
        file that OpenVINO cannot load."""
        core = _core()
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            # The cores belong to the codecs and the other models as well.
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled: Any = core.compile_model(core.read_model(path), "CPU", settings)
        self._streams = streams
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._idle.put(self._compiled.create_infer_request())

    def run(self, inputs: Unit) -> Unit:
        request = self._idle.get()
        try:
            return tuple(request.infer(list(inputs), share_inputs=True).to_tuple())
        finally:
            self._idle.put(request)

    def release_memory(self) -> None:
        """Give back what the last batches worked in; the next one takes it anew. Does nothing during a run."""
        taken = []
        try:
            with contextlib.suppress(queue.Empty):
                for _ in range(self._streams):
                    taken.append(self._idle.get_nowait())
                self._compiled.release_memory()
        finally:
            for request in taken:
                self._idle.put(request)

    def close(self) -> None:
        self._idle = queue.SimpleQueue()
        self._compiled = None


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()
