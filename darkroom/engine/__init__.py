"""The engine: jobs as coroutines, units in batches across jobs, one device loop a process."""

from darkroom.engine.core import Engine, Quote
from darkroom.engine.job import Job, Request
from darkroom.engine.price import Price, Work

__all__ = ["Engine", "Job", "Price", "Quote", "Request", "Work"]
