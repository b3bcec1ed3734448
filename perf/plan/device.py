"""The device in simulated time: a batch takes exactly what the network's curve says."""

import math

from darkroom.config import EngineConfig
from darkroom.engine.device import LEARNING_RATE
from darkroom.engine.estimate import Estimates, largest_batch
from darkroom.network import Network
from perf.plan.curves import Curve
from perf.plan.jobs import NETWORK, Shape

UNIT: Shape = (128, 128)
"""What a curve's unit is, pixels."""


class Device:
    """Answers what the engine's admission asks of a device (darkroom.engine.admission.Batches), for one network."""

    def __init__(self, curve: Curve, engine: EngineConfig) -> None:
        self._curve = curve
        self._engine = engine
        self._estimates = Estimates()
        self._limits: dict[Shape, int] = {}
        self.running_until = 0.0
        self.mean_batch_s = 0.0

    def batch_limit(self, network: Network, shape: Shape) -> int:
        """Tiles in one batch: bounded in number and in time, as the engine bounds them."""
        if shape not in self._limits:
            self._limits[shape] = largest_batch(
                lambda units: self.seconds(network, shape, units), self._engine.max_batch, self._engine.max_batch_s
            )
        return self._limits[shape]

    def usual_batch(self, network: Network, shape: Shape, limit: int) -> int:
        """Tiles that batches lately had."""
        return self._estimates.usual_batch(network, shape, limit)

    def seconds(self, network: Network, shape: Shape, units: int) -> float:
        """Seconds of a batch of `units` tiles."""
        return self._curve.seconds(units * math.prod(shape) / math.prod(UNIT))

    def full_unit_s(self, shape: Shape) -> float:
        """Seconds of a tile in a full batch."""
        limit = self.batch_limit(NETWORK, shape)
        return self.seconds(NETWORK, shape, limit) / limit

    def start(self, shape: Shape, units: int, now: float) -> float:
        """Begin a batch; the seconds that it takes."""
        seconds = self.seconds(NETWORK, shape, units)
        self._estimates.observe(NETWORK, shape, math.prod(shape), units, seconds)
        self.running_until = now + seconds
        self.mean_batch_s += (seconds - self.mean_batch_s) * (LEARNING_RATE if self.mean_batch_s else 1.0)
        return seconds
