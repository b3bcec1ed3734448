"""The line of admitted jobs that wait encoded, and the pixel budget that decides when one may be decoded."""

import threading
from dataclasses import dataclass, field
from typing import Generic

from darkroom.engine.fair import LANE_WEIGHTS
from darkroom.engine.order import JobT, Place, Turns

SMALL_SHARE = 4
"""One part in so many of the pixel budget is kept for small jobs on top, so that posters never hold up thumbnails. With
an eighth, only 20 of 32 callers' photos were open at once, and batches a third smaller than their tiles allowed."""
SMALL_JOB = 32
"""A job is small up to one part in so many of the budget."""


@dataclass
class PixelBudget:
    """Decoded and produced bytes held at once, in two purses: large jobs cannot spend what small ones need."""

    total: int
    used_large: int = 0
    used_small: int = 0

    def is_small(self, size: int) -> bool:
        """Whether a job of so many bytes is small. May be asked from any thread."""
        return size <= self.total // SMALL_JOB

    def fits(self, size: int) -> bool:
        """A job larger than the whole purse runs when it can run alone."""
        if self.is_small(size):
            return self.used_small == 0 or self.used_small + size <= self.total // SMALL_SHARE
        return self.used_large == 0 or self.used_large + size <= self.total

    def take(self, size: int) -> None:
        if self.is_small(size):
            self.used_small += size
        else:
            self.used_large += size

    def give_back(self, size: int) -> None:
        if self.is_small(size):
            self.used_small -= size
        else:
            self.used_large -= size


@dataclass
class WaitingLine(Generic[JobT]):
    """Encoded jobs, in the order of darkroom.engine.order. Bounded in jobs and bytes. Safe from any thread."""

    max_jobs: int
    max_bytes: int
    codec_threads: int = 1
    jobs: dict[JobT, None] = field(default_factory=dict)
    bytes: int = 0
    clock: float = 0.0
    """Seconds that each job in the system has had in a fluid fair queue: of the device, or of the codecs where those
    are behind."""
    _turns: Turns = field(default_factory=Turns)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def has_room(self, size: int) -> bool:
        """Whether an encoded job of `size` bytes fits; an empty line takes any job."""
        return not self.jobs or (len(self.jobs) < self.max_jobs and self.bytes + size <= self.max_bytes)

    def push(self, job: JobT) -> None:
        slowness = LANE_WEIGHTS["interactive"] / LANE_WEIGHTS[job.lane]
        with self._lock:
            job.tag = self.clock + max(job.fluid_s, job.codec_s / self.codec_threads) * slowness
            self.jobs[job] = None
            self.bytes += job.encoded_bytes

    def remove(self, job: JobT) -> bool:
        """Take a job out of the line; False when it was not in it."""
        with self._lock:
            if job not in self.jobs:
                return False
            del self.jobs[job]
            self.bytes -= job.encoded_bytes
            return True

    def pop(self, budget: PixelBudget, now: float) -> JobT | None:
        """The next job that may be decoded; `now` by the engine's clock. Small and large jobs have purses of their own,
        so neither holds up the other; among equals the order is kept."""
        order = self._turns.order(now)
        firsts: dict[bool, tuple[Place, JobT]] = {}
        with self._lock:
            for job in self.jobs:
                small = budget.is_small(job.price.pixel_bytes)
                place = order(job)
                if small not in firsts or place < firsts[small][0]:
                    firsts[small] = place, job
        for _, job in sorted(firsts.values()):
            if budget.fits(job.price.pixel_bytes):
                self.remove(job)
                self._turns.taken()
                return job
        return None

    def advance(self, device_s: float, codec_s: float, jobs: int) -> None:
        """Book seconds of the device and of codec threads, shared by `jobs` jobs in the system. From one thread."""
        self.clock += max(device_s, codec_s / self.codec_threads) / max(1, jobs)
