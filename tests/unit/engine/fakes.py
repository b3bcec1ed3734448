"""A device to test the engine with: fake networks that record their batches, jobs without codecs."""

import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from darkroom.config import EngineConfig, NetworkRecord
from darkroom.engine import Engine, Job, Price, Request, Work
from darkroom.errors import DarkroomError
from darkroom.network import Network, Unit

RECORD = NetworkRecord(file="fake.onnx", sha256="0" * 64, architecture="fake", weights="none", licence="none")


@dataclass
class FakeRunner:
    """Adds one; takes `base_s` + `unit_s` * n; holds every batch until `gate` is set."""

    base_s: float = 0.0
    unit_s: float = 0.0
    fail_on: Callable[[np.ndarray], bool] = lambda batch: False
    batches: list[np.ndarray] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    fits: int = 1000
    """Units beyond which a batch raises what onnxruntime raises when the memory is full."""
    words: str = "no"
    """What a batch that `fail_on` names raises."""

    entered: threading.Event = field(default_factory=threading.Event)
    """A batch has begun."""

    def __post_init__(self) -> None:
        self.gate.set()

    def run(self, inputs: Unit) -> Unit:
        self.entered.set()
        self.gate.wait(10)
        self.batches.append(inputs[0])
        time.sleep(self.base_s + self.unit_s * len(inputs[0]))
        if len(inputs[0]) > self.fits:
            raise RuntimeError(f"BFCArena: Failed to allocate memory for requested buffer of size {inputs[0].nbytes}")
        if self.fail_on(inputs[0]):
            raise RuntimeError(self.words)
        return (inputs[0] + 1,)

    def close(self) -> None:
        pass


def network(runner: FakeRunner, name: str = "fake", max_batch: int = 8) -> Network:
    return Network(name, runner, RECORD, max_batch=max_batch)


def unit(value: int, length: int = 4) -> Unit:
    return (np.full(length, value, np.int64),)


class Outcome:
    """The one answer of one job."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, DarkroomError | None]] = []
        self.at = 0.0
        self._done = threading.Event()

    def __call__(self, result: Any, error: DarkroomError | None) -> None:
        self.calls.append((result, error))
        self.at = time.monotonic()
        self._done.set()

    def wait(self, timeout_s: float = 10.0) -> tuple[Any, DarkroomError | None]:
        assert self._done.wait(timeout_s), "no answer came"
        assert len(self.calls) == 1
        return self.calls[0]


def mapper(net: Network, count: int, value: int = 0, length: int = 4) -> Callable[[Job], Awaitable[Any]]:
    """A pipeline that maps `count` units and returns their results in order."""

    async def body(job: Job) -> list[int]:
        results: dict[int, int] = {}

        def place(index: int, outputs: Unit) -> None:
            results[index] = int(outputs[0][0])

        await job.map(net, (unit(value + i, length) for i in range(count)), place)
        return [results[i] for i in range(count)]

    return body


def request(net: Network, count: int, *, id: str, value: int = 0, length: int = 4, **changes: Any) -> Request:  # noqa: A002
    price = Price((Work(net, (length,), count),), pixel_bytes=changes.pop("pixel_bytes", 1000))
    settings: dict[str, Any] = {"body": mapper(net, count, value, length), "deadline_s": 20.0, "answer": Outcome()}
    return Request(id=id, price=price, **(settings | changes))


def engine(**changes: Any) -> Engine:
    config = {"max_batch": 8, "max_batch_s": 5.0} | changes
    return Engine(EngineConfig(**config))
