"""A device that takes the time of a GPU and computes next to nothing: for tests and sizing without one."""

import itertools
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from darkroom.config import WIDE_SUFFIX, NetworkRecord
from darkroom.engine.faults import Faults
from darkroom.network import Array, Runner, Unit

VARIABLE = "DARKROOM_SIMULATE"


@dataclass(frozen=True)
class Simulation:
    """A batch of n units takes `base_s` + `unit_s` * n seconds."""

    base_s: float
    unit_s: float
    networks: Mapping[str, "Simulation"] = field(default_factory=dict)
    """By name, where every network has numbers of its own."""
    faults: Faults = field(default_factory=Faults)

    @classmethod
    def from_environment(cls) -> "Simulation | None":
        """Read DARKROOM_SIMULATE: "8,2" (milliseconds a batch, milliseconds a unit), with faults "8,2,oom=6" or
        "8,2,poison=100" (see `Faults`), or "@" and the path of a file of curves (see `from_curves`). Raises
        ValueError."""
        text = os.environ.get(VARIABLE, "")
        if not text:
            return None
        if text.startswith("@"):
            return cls.from_curves(Path(text[1:]))
        numbers, faults = text.split(",")[:2], Faults()
        try:
            base, unit = (float(part) / 1000 for part in numbers)
            faults = Faults.parse(text.split(",")[2:])
        except ValueError:
            base = unit = math.nan
        if not (0 <= base < 60 and 0 <= unit < 60 and base + unit > 0):
            raise ValueError(f'{VARIABLE} must be two numbers in ms, a batch and a unit, like "8,2"; got "{text}".')
        return cls(base, unit, faults=faults)

    @classmethod
    def from_curves(cls, path: Path) -> "Simulation":
        """A JSON object, {"networks": {NAME: {"base_ms": ..., "unit_ms": ...}}}. Raises ValueError."""
        try:
            curves = json.loads(path.read_text())["networks"]
            networks = {name: cls(curve["base_ms"] / 1000, curve["unit_ms"] / 1000) for name, curve in curves.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{VARIABLE}: {path} holds no curves ({type(error).__name__}: {error}).") from None
        if not networks or not all(curve.base_s >= 0 and curve.unit_s > 0 for curve in networks.values()):
            raise ValueError(f"{VARIABLE}: in {path} every base_ms must be 0 or more and every unit_ms more than 0.")
        return cls(math.nan, math.nan, networks)

    def of(self, network: str) -> "Simulation":
        """The numbers of one network; NAME_16bit has those of NAME. Raises ValueError when a file of curves does not
        name it."""
        network = network.removesuffix(WIDE_SUFFIX)
        if self.networks and network not in self.networks:
            raise ValueError(f"{VARIABLE}: no curve for {network}; there are {', '.join(sorted(self.networks))}.")
        return self.networks.get(network, self)

    def seconds(self, units: float) -> float:
        return self.base_s + self.unit_s * units


class SimulatedRunner:
    """Sleeps for the batch's time and answers cheaply, as the network's record says (`NetworkRecord.simulated`).

    "nearest" also answers the guard's weights, uint8 [n, h, w], as zeros: nothing is guarded.
    """

    def __init__(self, simulation: Simulation, record: NetworkRecord, real: Runner | None = None) -> None:
        """`real` runs the network itself, for those whose results decide what happens next (a detector)."""
        self._simulation = simulation
        self._record = record
        self._real = real
        self._runs = itertools.count(1)

    def run(self, inputs: Unit) -> Unit:
        started = time.monotonic()
        batch = inputs[0]
        self._simulation.faults.strike(next(self._runs), len(batch))
        if self._real is not None:
            outputs = self._real.run(inputs)
        elif self._record.simulated == "echo":
            outputs = (batch,)
        else:
            outputs = (nearest(batch, self._record.scale), np.zeros(batch.shape[:3], np.uint8))
        cost = batch[0].size / self._record.simulated_unit * len(batch)
        time.sleep(max(0.0, started + self._simulation.seconds(cost) - time.monotonic()))
        return outputs

    def close(self) -> None:
        if self._real is not None:
            self._real.close()


def nearest(batch: Array, scale: int) -> Array:
    """uint8 or uint16 [n, h, w, c] -> the same type [n, h * scale, w * scale, c], every pixel repeated."""
    if scale == 1:
        return batch
    n, h, w, c = batch.shape
    output = np.empty((n, h * scale, w * scale, c), batch.dtype)
    for source, target in zip(batch, output, strict=True):  # OpenCV lets other threads work meanwhile, np.repeat not
        cv2.resize(source, (w * scale, h * scale), dst=target, interpolation=cv2.INTER_NEAREST)
    return output
