"""Runs asynchronous jobs, each as a task of the event loop."""

import asyncio
import secrets
import time
from contextlib import ExitStack
from typing import Any

from darkroom_client import DarkroomError

from darkroom_gateway.backend import Backend
from darkroom_gateway.jobs.job import Job
from darkroom_gateway.jobs.store import Store
from darkroom_gateway.logs import LOG
from darkroom_gateway.metrics import Metrics
from darkroom_gateway.problems import Problem, problem_of
from darkroom_gateway.settings import Settings

_SWEEP_EVERY_S = 5.0
_REFUSED_WITHIN_S = 0.15
"""A server refuses at admission, within milliseconds: long enough to answer a caller 429 instead of 202."""
_BYTES_PER_S = 100e6
"""How fast a picture reaches the server, at least; it is refused when it is there."""


class Runner:
    def __init__(self, backend: Backend, store: Store, settings: Settings, metrics: Metrics) -> None:
        self.store = store
        self._backend, self._settings, self._metrics = backend, settings, metrics

    def start(
        self, task: str, picture: bytes, options: dict[str, Any], *, owner: str, as_json: bool, lease: ExitStack
    ) -> Job:
        """Begin a job. `lease` is closed when it has ended: it holds what the job takes from its caller's limits.

        Raises Problem (429) when too many are unfinished.
        """
        job = Job(self._settings.name + secrets.token_hex(12), task, owner, as_json)
        self.store.add(job)
        job.work = asyncio.create_task(self._run(job, picture, options, lease))
        return job

    async def refusal(self, job: Job, size: int) -> Problem | None:
        """Why the server did not take a job that was just started, which is forgotten then; None where it did.

        `size`: of the picture, bytes.
        """
        if job.work is not None:
            await asyncio.wait({job.work}, timeout=_REFUSED_WITHIN_S + size / _BYTES_PER_S)
        if job.problem is not None:
            self.store.remove(job)
        return job.problem

    async def cancel(self, job: Job) -> None:
        """Stop a job wherever it is, and forget it. One that has ended is only forgotten."""
        if job.work is not None and job.unfinished:
            job.work.cancel()
            await asyncio.gather(job.work, return_exceptions=True)
        self.store.remove(job)

    async def close(self) -> None:
        """Cancel everything: nobody could fetch a result from a gateway that is gone."""
        await asyncio.gather(*(self.cancel(job) for job in self.store))

    async def keep_time(self) -> None:
        """Forget jobs by the clock, for as long as the gateway runs."""
        while True:
            await asyncio.sleep(_SWEEP_EVERY_S)
            self.store.sweep()

    async def _run(self, job: Job, picture: bytes, options: dict[str, Any], lease: ExitStack) -> None:
        with lease:
            try:
                result = await self._backend.run(job.task, picture, **options, request_id=job.id, on_progress=job.show)
                if len(result.bytes) > self._settings.kept_bytes:
                    job.end("failed", problem=_too_large_to_keep(len(result.bytes), self._settings.kept_bytes))
                else:
                    job.end("done", result=result)
            except asyncio.CancelledError:
                job.end("cancelled", problem=Problem(409, "cancelled", "The job was cancelled."))
            except DarkroomError as error:
                problem = problem_of(error, picture)
                job.end("cancelled" if problem.reason == "cancelled" else "failed", problem=problem)
            except Exception:
                LOG.exception("an asynchronous job failed", extra={"facts": {"job_id": job.id}})
                job.end("failed", problem=Problem(500, "internal", "The gateway failed; its log has the job's id."))
        self._log(job)
        self.store.sweep()

    def _log(self, job: Job) -> None:
        self._metrics.jobs.labels(job.task, job.state).inc()
        facts: dict[str, Any] = {"job_id": job.id, "task": job.task, "state": job.state}
        facts |= {"s": round(time.monotonic() - job.begun, 3), "bytes_out": job.bytes}
        if job.problem:
            facts["reason"] = job.problem.reason
        if job.owner:
            facts["caller"] = job.owner
        LOG.info("job", extra={"facts": facts})


def _too_large_to_keep(size: int, most: int) -> Problem:
    detail = f"The result has {size:,} bytes, this gateway keeps {most:,}; ask again without async."
    return Problem(422, "too_large", detail)
