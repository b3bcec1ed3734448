"""From what the server said to the exception that a caller can act on."""

import json
import re
from typing import Any

from darkroom_client import errors
from darkroom_client.address import Address
from darkroom_client.wire import Failure

_REASONS: dict[str, type[errors.DarkroomError]] = {
    "bad_image": errors.BadImage,
    "bad_option": errors.BadOption,
    "not_allowed": errors.NotAllowed,
    "busy": errors.Busy,
    "deadline": errors.DeadlinePassed,
    "cancelled": errors.Cancelled,
    "unavailable": errors.Unavailable,
    "internal": errors.ServerError,
}

# Triton's own words, which carry no JSON object. Order matters: the first that matches wins.
_TRITON: tuple[tuple[str, type[errors.DarkroomError]], ...] = (
    # First: it quotes the model's own error, which may say anything.
    (r"load failed for model|failed to load '", errors.LoadFailed),
    (r"exceeds maximum queue size", errors.Busy),
    (r"request timeout expired", errors.DeadlinePassed),
    (r"stub process .* is not healthy", errors.Unavailable),
    (r"no available versions", errors.Unavailable),
    (r"is not ready|stopped accepting new inference requests|server is stopping", errors.Unavailable),
    (r"unknown model|is not found", errors.NotServed),
    (r"is restricted", errors.NotAllowed),
)

# Triton names no time. A model that is reloaded is back in a few seconds, which the usual five tries must outlast.
_RELOAD_S = 1.0

_STATUSES: dict[str, type[errors.DarkroomError]] = {
    "UNAVAILABLE": errors.Unavailable,
    "RESOURCE_EXHAUSTED": errors.Busy,
    "DEADLINE_EXCEEDED": errors.DeadlinePassed,
    "CANCELLED": errors.Cancelled,
    "INVALID_ARGUMENT": errors.BadOption,
    "NOT_FOUND": errors.BadOption,
    "TOO_LARGE": errors.BadImage,
    "UNAUTHENTICATED": errors.NotAllowed,
    "PERMISSION_DENIED": errors.NotAllowed,
}


def split(message: str) -> tuple[str, dict[str, Any]]:
    """A message of the wire -> its sentence and the JSON object at its end ({} where there is none)."""
    message = re.sub(r"^\[request id: [^\]]*\]\s*", "", message.strip())
    start = message.rfind("{")
    if start >= 0 and message.endswith("}"):
        try:
            details = json.loads(message[start:])
        except json.JSONDecodeError:
            return message, {}
        return message[:start].rstrip(), details
    return message, {}


def translate(failure: Failure, address: Address) -> errors.DarkroomError:
    """The exception for a failure: by the message's JSON object, else by Triton's words, else by the status."""
    if failure.status == "UNREACHABLE":
        return errors.Unreachable(f"There is no connection to {address}: {failure.message}")
    sentence, details = split(failure.message)
    if "reason" in details:
        kind = _REASONS.get(str(details["reason"]), errors.ServerError)
        retry_after_s, deadline_s = (_seconds(details.get(name)) for name in ("retry_after_s", "deadline_s"))
        return kind(sentence, retry_after_s=retry_after_s, deadline_s=deadline_s)
    kinds = (kind for pattern, kind in _TRITON if re.search(pattern, sentence, re.IGNORECASE))
    kind = next(kinds, _STATUSES.get(failure.status, errors.ServerError))
    retry_after_s = _RELOAD_S if kind is errors.Unavailable else None
    return kind(sentence or f"The server answered {failure.status}.", retry_after_s=retry_after_s)


def is_tritons_own_busy(error: errors.DarkroomError) -> bool:
    """Whether this is Triton's full queue, which names no time to come back."""
    return isinstance(error, errors.Busy) and error.retry_after_s is None


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return max(0.0, float(value))
