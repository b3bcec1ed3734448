"""What the command's exit code means."""

from collections.abc import Collection
from enum import IntEnum

from darkroom_client import errors


class Exit(IntEnum):
    """Exit codes. When all failures of a batch are of one kind, the batch has its code, else FAILED."""

    DONE = 0
    """Everything asked for was done, or was done before."""
    FAILED = 1
    """At least one file failed, a model is not healthy, or no job has the id."""
    USAGE = 2
    """The command line makes no sense, or the server does not know an option."""
    UNAVAILABLE = 3
    """No server answers, or it cannot work now."""
    TOO_BUSY = 4
    """Busy until the patience ended, or the deadline passed: the same command may succeed later."""
    INTERRUPTED = 130
    """Ctrl-C; the jobs in work were cancelled on the server."""


def of(error: BaseException) -> Exit:
    """The code for one error."""
    match error:
        case errors.BadOption():
            return Exit.USAGE
        case errors.Unavailable():
            return Exit.UNAVAILABLE
        case errors.Busy() | errors.DeadlinePassed():
            return Exit.TOO_BUSY
        case _:
            return Exit.FAILED


def of_all(failures: Collection[Exit]) -> Exit:
    """The code of a batch, from those of its failed files."""
    kinds = set(failures)
    if not kinds:
        return Exit.DONE
    return kinds.pop() if len(kinds) == 1 else Exit.FAILED
