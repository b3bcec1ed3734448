"""Image bytes, options and settings -> the call of one try."""

import uuid
from collections.abc import Mapping

from darkroom_client.options import PRIORITY_OF_LANE, Settings
from darkroom_client.wire import Call, Parameter

# The server answers a passed deadline with a sentence of its own; hang up only when that should have arrived.
HANG_UP_AFTER_S = 1.0
SLOWEST_BYTES_PER_S = 20e6
"""And when the picture's own way, at this rate, is over too: the server's clock starts when the picture has arrived."""

LONGEST_DEADLINE_S = 3600.0
"""What the server takes as `deadline_s` of one try; a caller's own, over all tries, may be longer."""


def task_call(
    task: str,
    image: bytes,
    options: Mapping[str, Parameter],
    settings: Settings,
    *,
    request_id: str,
    remaining_s: float | None,
    headers: Mapping[str, str],
) -> Call:
    """One try of a job. `remaining_s`: what is left of the caller's deadline, in seconds; None without one.

    The deadline travels three times: as the option `deadline_s` for the engine, as `timeout` for Triton's queue, and as
    the moment when the client hangs up. The lane travels twice, for the engine and for Triton's priority queues.
    """
    parameters = dict(options)
    timeout_us = client_timeout_s = None
    if settings.lane is not None:
        parameters["lane"] = settings.lane
    if remaining_s is not None:
        parameters["deadline_s"] = round(min(remaining_s, LONGEST_DEADLINE_S), 3)
        timeout_us = max(1, int(min(remaining_s, LONGEST_DEADLINE_S) * 1e6))
        client_timeout_s = remaining_s + HANG_UP_AFTER_S + len(image) / SLOWEST_BYTES_PER_S
    return Call(
        model=task,
        input_name="image",
        input_bytes=image,
        version=settings.model_version,
        request_id=request_id,
        parameters=parameters,
        priority=PRIORITY_OF_LANE.get(settings.lane or "", 0),
        timeout_us=timeout_us,
        client_timeout_s=client_timeout_s,
        headers=headers,
    )


def new_request_id() -> str:
    """An id that no other job has."""
    return uuid.uuid4().hex


def next_request_id(request_id: str, tries: int) -> str:
    """The id of a further try whose predecessor may still be running, and so may still own `request_id`."""
    return f"{request_id}.{tries + 1}"
