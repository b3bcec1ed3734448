"""A model process ends with its server: Triton's stub does not always notice that tritonserver was killed.

In a thread of its own, for every other may be waiting for a word from the dead server: an answer that is being sent, a
caller who is asked for.
"""

import logging
import os
import select
import threading
import time

log = logging.getLogger("darkroom")

_LOOK_S = 1.0


def end_with_parent() -> None:
    """From now on this process ends, with status 1, when the one that started it is gone: nobody could be answered any
    more."""
    threading.Thread(target=_end_after, args=(os.getppid(),), name="darkroom-orphan", daemon=True).start()


def _end_after(parent: int) -> None:
    _await_end(parent)
    log.error("tritonserver is gone; so is this model.")
    os._exit(1)


def _await_end(parent: int) -> None:
    try:
        handle = os.pidfd_open(parent)
    except OSError:  # it is gone already, or the kernel is older than 5.3
        handle = None
    while os.getppid() == parent:
        if handle is None:
            time.sleep(_LOOK_S)
        else:
            select.select([handle], [], [])
            time.sleep(0.01)  # it has ended, but is our parent until the kernel has found us another
