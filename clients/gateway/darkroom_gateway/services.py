"""What the routes of one application share."""

import asyncio
from dataclasses import dataclass, field

from darkroom_gateway.backend import Backend
from darkroom_gateway.budget import Budget
from darkroom_gateway.callers import Callers
from darkroom_gateway.jobs.runner import Runner
from darkroom_gateway.jobs.store import Store
from darkroom_gateway.metrics import Metrics
from darkroom_gateway.settings import Settings


@dataclass
class Services:
    settings: Settings
    backend: Backend
    callers: Callers
    metrics: Metrics = field(default_factory=Metrics)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the gateway begins to stop: streams end and readiness is over."""

    def __post_init__(self) -> None:
        self.budget = Budget(self.settings.held_pictures, self.settings.held_bytes)
        self.jobs = Runner(self.backend, Store(self.settings, self.metrics), self.settings, self.metrics)
        self.metrics.held_bytes.set_function(lambda: self.budget.bytes)
