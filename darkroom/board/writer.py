"""A model process's side of the board: publishes its jobs and its engine, and hears who is to be cancelled."""

import contextlib
import logging
import os
import threading
from pathlib import Path
from typing import Any

from darkroom.board import files
from darkroom.board.claims import Claims
from darkroom.board.sweep import sweep
from darkroom.engine import Engine, Job
from darkroom.engine.forecast import Neighbour
from darkroom.engine.job import now
from darkroom.errors import UnavailableError

log = logging.getLogger("darkroom")

JOBS_EVERY_S = 0.1
ENGINE_EVERY_S = 0.25
ETA_EVERY_S = 1.0


class Board:
    """What one engine publishes. `claim` and `release` come from its event loop, `publish` from its watcher."""

    def __init__(self, folder: Path, task: str, version: str) -> None:
        files.prepare(folder)
        self._folder = folder
        self._started_at = now()
        self._task = task
        self._version = version
        self._identity = {"pid": os.getpid(), "process_start": files.process_start(os.getpid())}
        name = f"{task}-{version}-{os.getpid()}-{self._identity['process_start']}.json"
        self._engine_file = folder / "engines" / name
        self._claims = Claims(folder / "claims")
        self._shown: dict[str, tuple[dict[str, Any], float]] = {}
        """By id: the state last written, and when."""
        # the watcher shows, the event loop takes down: a state written after its job's end would stay for ever
        self._lock = threading.Lock()
        self._totals_lock = threading.Lock()
        self._jobs_due = self._engine_due = 0.0
        self._last: tuple[float, dict[str, float]] | None = None
        sweep(folder, engines=f"{task}-{version}-*")

    def claim(self, job: Job) -> bool:
        """Put a job that its caller named on the board; False when a running job anywhere has that id. Raises
        UnavailableError when the board is full."""
        name = files.name_of(job.request.id)
        try:
            if not self._claims.take(name):
                return False
        except OSError as error:
            log.warning("an id could not be claimed: %s", error)
            raise UnavailableError("The id of the job could not be written down.", retry_after_s=1.0) from None
        # whoever asked to cancel an earlier job of this id, just as it ended, does not mean this one
        files.remove(self._cancel_path(name))
        with contextlib.suppress(OSError):  # the watcher tries again, and complains
            self._show(job, None)
        return True

    def release(self, job: Job) -> None:
        """Take a job that ended off the board."""
        with self._lock:
            if self._shown.pop(job.request.id, None) is not None:
                files.remove(self._path(job.request.id))
        if job.request.named:
            self._claims.give_back(files.name_of(job.request.id))

    def publish(self, engine: Engine) -> None:
        """Renew what is due: job states ten times a second, the engine's totals four times."""
        time_now = now()
        self._hear_cancellations(engine)
        if time_now >= self._jobs_due:
            self._jobs_due = time_now + JOBS_EVERY_S
            self._publish_jobs(engine)
        if time_now >= self._engine_due:
            self._engine_due = time_now + ENGINE_EVERY_S
            engine.knock()
            engine.admission.neighbours = self._neighbours()
            self.publish_at_once(engine)

    def publish_at_once(self, engine: Engine) -> None:
        """Renew the engine's totals now. From any thread."""
        with self._totals_lock:
            files.replace(self._engine_file, self._totals(engine))

    def close(self) -> None:
        """Take everything of this engine off the board."""
        for job_id in list(self._shown):
            files.remove(self._path(job_id))
            self._claims.give_back(files.name_of(job_id))
        self._shown.clear()
        files.remove(self._engine_file)

    def _publish_jobs(self, engine: Engine) -> None:
        jobs = list(engine.jobs.values())
        etas = engine.admission.etas(jobs)
        for job, eta in zip(jobs, etas, strict=True):
            # a short job that nobody can name is not worth its files
            if job.request.named or now() - job.admitted_at > ETA_EVERY_S:
                self._show(job, eta)

    def _show(self, job: Job, eta_s: float | None) -> None:
        state = {
            "id": job.request.id,
            "task": self._task,
            "version": self._version,
            "state": job.state,
            "lane": job.request.lane,
            "units_done": job.units_done,
            "units_total": job.units_total,
            "progress": round(job.progress, 4),
            "eta_s": None if eta_s is None else round(eta_s, 2),
            "start_id": job.engine.start_id,
            **job.notes,
            **self._identity,
        }
        with self._lock:
            shown, shown_at = self._shown.get(job.request.id, ({}, 0.0))
            # the eta changes all the time: on its own it is worth a new file once a second
            moved = state | {"eta_s": 0} != shown | {"eta_s": 0}
            if job.state != "done" and (moved or now() - shown_at > ETA_EVERY_S):
                self._shown[job.request.id] = (state, now())
                files.replace(self._path(job.request.id), state)

    def _totals(self, engine: Engine) -> dict[str, Any]:
        jobs = list(engine.jobs.values())
        stats = engine.stats
        sums = {
            "units": float(sum(stats.units.values())),
            "batches": float(sum(stats.batches.values())),
            "megapixels": stats.megapixels,
            "device_busy_s": stats.device_busy_s,
        }
        rates = self._rates(sums)
        slowest_s, expected_s = engine.device.slowest_batch()
        return {
            "task": self._task,
            "version": self._version,
            "start_id": engine.start_id,
            "jobs_waiting": sum(job.state == "waiting" for job in jobs),
            "jobs_running": sum(job.state == "running" for job in jobs),
            "units_waiting": engine.device.line.length,
            "backlog_s": round(engine.backlog_s(), 3),
            "batch_s": round(engine.device.mean_batch_s, 4),
            "poisoned": engine.poisoned,
            "outcomes": dict(stats.outcomes),
            "retries": dict(stats.retries),
            "max_batch": engine.config.max_batch,
            # by these the supervisor tells a stuck engine from a busy one; the clock is the whole machine's
            "started_at": self._started_at,
            "written_at": now(),
            "loop_silent_s": round(now() - engine.loop_heard_at, 3),
            "slowest_batch_s": round(slowest_s, 3),
            "slowest_batch_expected_s": round(expected_s, 3),
            **{name: round(value, 3) for name, value in sums.items()},
            **rates,
            **self._identity,
        }

    def _neighbours(self) -> tuple[Neighbour, ...]:
        """The other engines of this server that have work, as they were a moment ago."""
        paths = [path for path in self._engine_file.parent.glob("[!.]*.json") if path != self._engine_file]
        others = [content for path in paths if (content := files.read(path)) is not None]
        return tuple(
            Neighbour(other["backlog_s"], other["batch_s"])
            for other in others
            if other["backlog_s"] > 0 and files.is_alive(other)
        )

    def _rates(self, sums: dict[str, float]) -> dict[str, float]:
        time_now = now()
        last_time, last = self._last or (time_now, sums)
        elapsed = max(time_now - last_time, 1e-6)
        gained = {name: sums[name] - last[name] for name in sums}
        if self._last is None or elapsed >= 1.0:
            self._last = (time_now, sums)
        if elapsed < 0.2:
            elapsed, gained = 1.0, dict.fromkeys(sums, 0.0)
        return {
            "units_per_s": round(gained["units"] / elapsed, 2),
            "megapixels_per_s": round(gained["megapixels"] / elapsed, 3),
            "units_per_batch": round(gained["units"] / gained["batches"], 2) if gained["batches"] else 0.0,
            "device_busy": round(min(1.0, gained["device_busy_s"] / elapsed), 3),
        }

    def _hear_cancellations(self, engine: Engine) -> None:
        wanted = {path.name for path in (self._folder / "cancel").iterdir()}
        if not wanted:
            return
        ours = {files.name_of(job_id): job_id for job_id in list(engine.jobs)}
        for name in ours.keys() & set(wanted):
            engine.cancel(ours[name])
        for name in wanted:
            # done: the job is ours and stops, or it ended before anyone heard
            if name in ours or not (self._folder / "jobs" / f"{name}.json").exists():
                files.remove(self._cancel_path(name))

    def _cancel_path(self, name: str) -> Path:
        return self._folder / "cancel" / name

    def _path(self, job_id: str) -> Path:
        return self._folder / "jobs" / f"{files.name_of(job_id)}.json"
