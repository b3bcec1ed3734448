"""Jobs in flight on a simulated device: started, watched through the `jobs` model, cancelled, waited for."""

import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pictures import photo_file
from wire import Answer, Call, ask, grpc, until

from darkroom.server import Server

BIG = photo_file(1400, 1100, "JPEG")
MEDIUM = photo_file(500, 400, "JPEG")
THUMBNAIL = photo_file(64, 64)

_numbers = itertools.count()


def simulated_server(simulate: str, exit_timeout_s: int = 10) -> Server:
    return Server(
        models=["super_resolution", "jobs"],
        config_name="simulated",
        env={"DARKROOM_SIMULATE": simulate},
        exit_timeout_s=exit_timeout_s,
    )


def big(**options: Any) -> Call:
    """A job of some 5 s at 40 ms a unit, with an id of its own."""
    return Call(BIG, options={"scale": 2, **options}, id=f"big-{next(_numbers)}")


def medium(**options: Any) -> Call:
    """A job of some 1 s."""
    return Call(MEDIUM, options={"scale": 2, **options}, id=f"medium-{next(_numbers)}")


def thumbnail(**options: Any) -> Call:
    return Call(THUMBNAIL, options={"scale": 2, **options}, id=f"thumbnail-{next(_numbers)}")


@contextmanager
def flying(server: Server, *calls: Call, send: Any = grpc) -> Iterator[list[Future[Answer]]]:
    """The calls, sent each by a thread of its own and running on the server. What still runs at the end is
    cancelled; every call has been answered then, and the engine has nothing left."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(send, server, call) for call in calls]
        try:
            for call, future in zip(calls, futures, strict=True):
                until(lambda call=call, future=future: future.done() or state(server, call.id)["state"] == "running")
            yield futures
        finally:
            for call in calls:
                ask(server, {"action": "cancel", "id": call.id})
    wait_idle(server)


def state(server: Server, job_id: str) -> dict[str, Any]:
    return ask(server, {"action": "state", "id": job_id})


def engine(server: Server) -> dict[str, Any]:
    """The totals of the one engine of the server."""
    (only,) = ask(server, {"action": "totals"})["engines"]
    return dict(only)


def wait_idle(server: Server) -> dict[str, Any]:
    """Until the engine says that it has no job and no unit, and the board has no file of a job."""

    def idle() -> dict[str, Any] | None:
        totals = engine(server)
        busy = totals["jobs_waiting"] + totals["jobs_running"] + totals["units_waiting"]
        return None if busy or board_files(server) else totals

    return until(idle)


def board_files(server: Server) -> list[str]:
    return [path.name for kind in ("jobs", "cancel") for path in (server.runtime_dir / kind).iterdir()]
