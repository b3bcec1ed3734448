"""A network on the CPU by OpenVINO, used only where export proved that nobody sees the difference to onnxruntime.

In half precision it is three to six times as fast where the processor has matrix units (AMX); in fp32 it is up to a
sixth faster than onnxruntime, and what it compiled can be kept.
"""

import contextlib
import queue
from functools import cache
from pathlib import Path
from typing import Any

from darkroom.compiled import CompiledCache
from darkroom.config import CpuPrecision, NetworkRecord
from darkroom.network import Unit

PREFERRED: tuple[CpuPrecision, ...] = ("f16", "bf16", "f32")
"""f16 has the finer steps, bf16 the wider range; both cost the same."""
MIN_PSNR = 50.0
"""dB, of the answer against onnxruntime's in fp32: below a third of a grey level."""
_CAPABILITY: dict[CpuPrecision, str] = {"f16": "FP16", "bf16": "BF16", "f32": "FP32"}


def choose_precision(record: NetworkRecord, *, half: bool = True) -> CpuPrecision | None:
    """The precision in which OpenVINO may run the network on this processor; None where onnxruntime has to.
    `half`: whether half precision is wanted at all."""
    proven = [precision for precision in PREFERRED if record.cpu_precisions.get(precision, 0.0) >= MIN_PSNR]
    allowed = native() if half else frozenset(("f32",))
    return next((precision for precision in proven if precision in allowed), None)


@cache
def native() -> frozenset[CpuPrecision]:
    """The precisions that this processor computes in itself."""
    has = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return frozenset(precision for precision in PREFERRED if _CAPABILITY[precision] in has)


class OpenVinoRunner:
    """One compiled network. Safe from several threads: more runs at once than streams take turns."""

    def __init__(
        self,
        path: Path,
        precision: CpuPrecision,
        *,
        threads: int,
        streams: int = 1,
        kept: CompiledCache | None = None,
    ) -> None:
        """`threads`: as many as cores, or fewer; `streams`: runs that share them at once; `kept`: where what was
        compiled is found again. Raises RuntimeError for a file that OpenVINO cannot load."""
        core = _core()
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            # The cores belong to the codecs and the other models as well.
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled: Any = (
            kept.compile(core, path, settings) if kept else core.compile_model(core.read_model(path), "CPU", settings)
        )
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
