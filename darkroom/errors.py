"""The errors a caller can meet, and the words they travel in.

Every message on the wire is one sentence that ends in one JSON object, so that a person can read it and a client
can act on it::

    scale must be 2 or 4, got 3. {"reason": "bad_option"}
"""

import json
from typing import Any, ClassVar

_QUOTED_CHARACTERS = 80


def quoted(value: Any) -> str:
    """What a caller sent, as JSON, for the end of a sentence: cut short where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[: _QUOTED_CHARACTERS - 3]}..."


class DarkroomError(Exception):
    """Base of every answer that is not a picture. `message` is a full sentence without paths or stack traces."""

    reason: ClassVar[str] = "internal"

    def __init__(self, message: str, retry_after_s: float | None = None, *, deadline_s: float | None = None) -> None:
        """`retry_after_s`: seconds after which the same request may succeed (busy and unavailable only).
        `deadline_s`: a deadline with which it would succeed on an idle server (deadline only)."""
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.deadline_s = deadline_s

    def wire_message(self) -> str:
        """The sentence, then the JSON object with `reason` and, where known, `retry_after_s` and `deadline_s` in
        seconds."""
        details: dict[str, object] = {"reason": self.reason}
        if self.retry_after_s is not None:
            details["retry_after_s"] = round(self.retry_after_s, 2)
        if self.deadline_s is not None:
            details["deadline_s"] = self.deadline_s
        # half a surrogate pair, as JSON may carry it, cannot be sent
        sentence = self.message.encode("utf-8", "backslashreplace").decode()
        return f"{sentence} {json.dumps(details)}"


class BadImageError(DarkroomError):
    """The bytes are not an image Darkroom accepts. HTTP 400, gRPC INVALID_ARGUMENT."""

    reason = "bad_image"


class BadOptionError(DarkroomError):
    """An option is unknown, of the wrong type or out of range. HTTP 400, gRPC INVALID_ARGUMENT."""

    reason = "bad_option"


class NotAllowedError(DarkroomError):
    """The query needs the server's admin key. HTTP 400, gRPC INVALID_ARGUMENT: a model of Triton's can say no 403."""

    reason = "not_allowed"


class BusyError(DarkroomError):
    """Refused at admission: the job could not meet its deadline. HTTP 503, gRPC UNAVAILABLE; retry later."""

    reason = "busy"


class DeadlineError(DarkroomError):
    """The job cannot be done within its deadline, or was admitted and its deadline passed. HTTP 503, gRPC
    UNAVAILABLE."""

    reason = "deadline"


class UnavailableError(DarkroomError):
    """The server cannot work now (it is stopping, or its device failed). HTTP 503, gRPC UNAVAILABLE; retry later."""

    reason = "unavailable"


class CancelledError(DarkroomError):
    """The caller, or an operator, cancelled the job. HTTP 400, gRPC CANCELLED."""

    reason = "cancelled"


class InternalError(DarkroomError):
    """A bug or a failed network run: the job fails, the process goes on. HTTP 500, gRPC INTERNAL."""

    reason = "internal"
