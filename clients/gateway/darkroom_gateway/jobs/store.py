"""Jobs in memory, bounded in number, bytes and time."""

import time
from collections.abc import Iterator

from darkroom_gateway.jobs.job import Job
from darkroom_gateway.metrics import Metrics
from darkroom_gateway.problems import Problem, busy
from darkroom_gateway.settings import Settings


class Store:
    """Unfinished jobs are bounded by refusing new ones; finished ones by forgetting: those that were fetched first,
    the oldest first among equals."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._jobs: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def add(self, job: Job) -> None:
        """Raises Problem (429) when too many are unfinished."""
        self.sweep()
        most = self._settings.unfinished_jobs
        if sum(other.unfinished for other in self._jobs.values()) >= most:
            raise busy(f"The gateway works on {most} asynchronous jobs already; try again in a moment.")
        self._jobs[job.id] = job
        self.sweep()

    def get(self, job_id: str, owner: str) -> Job:
        """Raises Problem (404) for a job that was never there, was forgotten, or is somebody else's."""
        self.sweep()
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            kept = f"{self._settings.kept_s:g} s"
            raise Problem(404, "no_job", f"There is no such job here; finished jobs are kept for {kept} at most.")
        return job

    def remove(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        self.sweep()

    def sweep(self) -> None:
        """Forget what is over any bound. Also called by the clock, so that memory is freed when nobody calls."""
        finished = self._unexpired()
        kept_bytes = sum(job.bytes for job in finished)
        finished.sort(key=lambda job: (not job.fetched, job.ended))
        while len(finished) > self._settings.kept_results or kept_bytes > self._settings.kept_bytes:
            gone = finished.pop(0)
            kept_bytes -= gone.bytes
            del self._jobs[gone.id]
        self._metrics.unfinished_jobs.set(len(self._jobs) - len(finished))
        self._metrics.kept_results.set(len(finished))
        self._metrics.kept_bytes.set(kept_bytes)

    def _unexpired(self) -> list[Job]:
        now, kept = time.monotonic(), []
        for job in self:
            if job.ended is None:
                continue
            job.forgotten_at = job.ended + self._settings.kept_s
            if job.forgotten_at <= now:
                del self._jobs[job.id]
            else:
                kept.append(job)
        return kept
