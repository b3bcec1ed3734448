"""One try of a job: send it, wait, follow it, and clean up when nobody waits any more."""

import contextlib
from collections.abc import Callable

from darkroom_client.engines import Engines
from darkroom_client.errors import DarkroomError, DeadlinePassed, LostJob, ServerError
from darkroom_client.failures import translate
from darkroom_client.jobs import JobState
from darkroom_client.link import Link, Pending
from darkroom_client.liveness import Tracked, alive_starts, is_lost, needs_closer_look, ready_before
from darkroom_client.wire import Answer, Call, Failure

PROGRESS_EVERY_S = 0.25
_LOOK_EVERY_S = 1.0
_FIRST_LOOK_S = 0.5
_CANCEL_TIMEOUT_S = 2.0

Progress = Callable[[JobState], None]


async def attempt(link: Link, engines: Engines, call: Call, on_progress: Progress | None) -> Answer:
    """Send `call` and return its answer.

    Raises the DarkroomError that the server's answer means, LostJob when the process that had the job is gone, and
    whatever interrupts the wait (KeyboardInterrupt, asyncio.CancelledError) after the job was cancelled on the server.
    """
    job = Tracked(call.model, call.request_id, link.now())
    try:
        pending = await link.start(call)
    except Failure as failure:
        raise translate(failure, link.address) from None
    try:
        with engines.following() if on_progress else contextlib.nullcontext():
            answer = await _wait(link, engines, job, pending, on_progress)
    except Failure as failure:
        if failure.status == "DEADLINE_EXCEEDED":
            await _give_up(link, engines, call, pending)
            raise DeadlinePassed(f"The server did not answer within {call.client_timeout_s or 0:.1f} s.") from None
        raise translate(failure, link.address) from None
    except BaseException:
        await _give_up(link, engines, call, pending)
        raise
    if answer.request_id != call.request_id:
        raise ServerError(f"The answer belongs to job {answer.request_id!r}, not to {call.request_id!r}.")
    return answer


async def _wait(link: Link, engines: Engines, job: Tracked, pending: Pending, on_progress: Progress | None) -> Answer:
    # A client that never saw the engines could not tell later that one of them vanished.
    if engines.never_looked:
        await _check(engines, job)
    elif known := alive_starts(job.task, engines.last_seen):
        # Those that come later cannot vouch for this job: whoever took it may be gone before the next look.
        job.may_hold = known
    next_look = link.now() + _FIRST_LOOK_S
    while True:
        pause = max(0.01, next_look - link.now())
        answer = await pending.wait(min(pause, PROGRESS_EVERY_S * engines.crowd) if on_progress else pause)
        if answer is not None:
            return answer
        if on_progress is not None:
            with contextlib.suppress(DarkroomError):
                on_progress(await engines.state(job.request_id, timeout_s=1.0))
        if link.now() >= next_look:
            next_look = link.now() + _LOOK_EVERY_S
            await _check(engines, job)


async def _check(engines: Engines, job: Tracked) -> None:
    seen = await engines.look()
    if seen is None:
        return
    alive = alive_starts(job.task, seen)
    ready = alive_starts(job.task, ready_before(job.sent_at, seen, engines.seen_at))
    if not needs_closer_look(job, alive, served_by_engines=engines.serve(job.task), ready=ready):
        return
    try:
        state = await engines.state(job.request_id, timeout_s=1.0)
    except DarkroomError:
        return
    if is_lost(job, state, alive):
        raise LostJob(f"The server process that had job {job.request_id} is gone; the job must be sent again.")


async def _give_up(link: Link, engines: Engines, call: Call, pending: Pending) -> None:
    await pending.abandon()
    if not link.cancel_reaches_server:
        with contextlib.suppress(DarkroomError):
            await engines.cancel(call.request_id, timeout_s=_CANCEL_TIMEOUT_S)
