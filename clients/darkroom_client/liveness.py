"""Noticing that the process which had a job is gone.

Triton never answers a job whose model process died after it took the job in. Each engine process publishes a start
id in the model `jobs`; a job whose engine's start id vanishes is lost. Pure logic: the caller brings the facts.
"""

from collections.abc import Collection
from dataclasses import dataclass

from darkroom_client.jobs import Engine, JobState

SUSPICIONS = 2
"""How many looks in a row must find a job missing. One is not enough: its answer may be on the way."""

_NOBODY = frozenset({""})


@dataclass
class Tracked:
    """One job in flight. `sent_at`: seconds by the client's clock. `may_hold`: start ids of the engines that may have
    it; None until they were looked at."""

    task: str
    request_id: str
    sent_at: float = 0.0
    may_hold: frozenset[str] | None = None
    suspicions: int = 0


def alive_starts(task: str, engines: Collection[Engine]) -> frozenset[str]:
    """Start ids of the living engines of a task."""
    return frozenset(engine.start_id for engine in engines if engine.task == task and engine.alive)


def ready_before(sent_at: float, engines: Collection[Engine], seen_at: float) -> tuple[Engine, ...]:
    """The engines that were not started after a job was sent: a model that died with a job and was loaded anew does
    not have it. `seen_at`: when the question for them was sent."""
    return tuple(engine for engine in engines if engine.up_s is None or engine.up_s >= seen_at - sent_at)


def needs_closer_look(
    job: Tracked, alive: frozenset[str], *, served_by_engines: bool, ready: frozenset[str] | None = None
) -> bool:
    """Whether an engine that may have had the job is gone, so that the job's own state must be asked.

    `ready`: those of `alive` that were there when the job was sent (default: all). `served_by_engines`: whether any
    engine of this task was ever seen, dead or alive. Nothing can be said about a task that is somebody's plain Triton
    model.
    """
    if job.may_hold is None:
        ready = alive if ready is None else ready
        if ready:
            job.may_hold = ready
        elif served_by_engines:
            job.may_hold = _NOBODY
        else:
            return False
    if job.may_hold <= alive:
        job.suspicions = 0
        return False
    return True


def is_lost(job: Tracked, state: JobState, alive: frozenset[str]) -> bool:
    """Judge a job after a closer look; True when enough looks in a row found no living engine that holds it."""
    if state.held and state.start_id in alive:
        job.may_hold = frozenset({str(state.start_id)})
        job.suspicions = 0
        return False
    job.suspicions += 1
    return job.suspicions >= SUSPICIONS
