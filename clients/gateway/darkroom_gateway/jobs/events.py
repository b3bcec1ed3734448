"""Server-sent events: a job's states as they change (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import asyncio
import json
from collections.abc import AsyncIterator

from darkroom_gateway.jobs.job import Job

HEARTBEAT_S = 15.0
"""Proxies close connections that say nothing for half a minute or more."""


async def events(job: Job, url: str, stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """One event per change, named after the job's state, its `describe()` as data; the last one is done, failed or
    cancelled. The first comes at once, so a connection that broke is simply made again."""
    yield b"retry: 1000\n\n"
    stop = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            change = asyncio.create_task(job.changed.next().wait())
            try:
                yield _event(job, url)
                if not job.unfinished:
                    return
                while not (await asyncio.wait({change, stop}, timeout=HEARTBEAT_S, return_when="FIRST_COMPLETED"))[0]:
                    yield b": still here\n\n"
            finally:
                change.cancel()
    finally:
        stop.cancel()


def _event(job: Job, url: str) -> bytes:
    return f"event: {job.state}\ndata: {json.dumps(job.describe(url))}\n\n".encode()
