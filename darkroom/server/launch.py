"""Run as a script: bind this process's life to its parent's, then become the command.

`launch.py PARENT_PID COMMAND...`. Python's own way (preexec_fn) is unsafe in a parent with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """The kernel sends SIGKILL when the parent's thread dies; SIGTERM could hang on a dead stub for ever."""
    parent, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("The server that started this process is gone.")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
