"""Everything that can go wrong, one class each. Catch `DarkroomError` for all of them.

`retryable` errors left nothing behind: the same call may simply be made again, and the client does so by itself
within the caller's deadline (see `darkroom_client.Retry`).
"""

# ruff: noqa: N818
# The names are read after `except`, where "Error" on every line would say nothing.

from typing import ClassVar


class DarkroomError(Exception):
    """Base of every error of this package; `message` is a sentence for people."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_s: float | None = None, deadline_s: float | None = None) -> None:
        """`retry_after_s`: seconds after which the server expects the same call to succeed, where it said so.

        `deadline_s`: a deadline in seconds with which the server, idle, would accept the same call, where it said so.
        """
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.deadline_s = deadline_s


class BadImage(DarkroomError):
    """The input is no picture that the server takes; the sentence says why."""


class BadOption(DarkroomError):
    """A task, an option or its value is unknown or out of range; the sentence says what is allowed."""


class NotServed(BadOption):
    """The server has no model of this name."""


class Busy(DarkroomError):
    """Refused before any work was done, as the deadline could not be met; come back after `retry_after_s` seconds."""

    retryable = True


class DeadlinePassed(DarkroomError):
    """The deadline passed before the picture was done; the server has dropped the job."""


class Cancelled(DarkroomError):
    """The job was cancelled, by this client or by somebody else."""


class Unavailable(DarkroomError):
    """The server cannot do this work just now (it reloads, stops, or lost a process); it may in a moment."""

    retryable = True


class LostJob(Unavailable):
    """The server process that had the job died, so that an answer will never come."""


class Unreachable(Unavailable):
    """No server answers at the address, or the connection broke."""


class NotAllowed(DarkroomError):
    """The server asks for credentials that this client did not send (`headers=`, `admin_key=`)."""


class LoadFailed(DarkroomError):
    """A model version could not be loaded, or would not fit into the memory; what was served before goes on."""


class ServerError(DarkroomError):
    """A bug or a failed run on the server; this job failed, others go on."""
