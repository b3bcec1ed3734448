"""Runs a command, and ends its whole process group as soon as whoever started it is gone: stdin is the lifeline.

The peers' main processes leave their workers behind when they are killed, and a measurement may be killed at its limit.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda signum, frame: child.terminate())
    threading.Thread(target=_watch, daemon=True).start()
    sys.exit(child.wait())


def _watch() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: it returns when the other end is gone
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
