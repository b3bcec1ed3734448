"""Ids in use on the whole server: one locked file an id.

The kernel gives a lock to one process alone and takes it back when that process ends, so two can never hold one id, and
no claim outlives its process, whoever has that pid since.
"""

import fcntl
import os
from pathlib import Path


class Claims:
    """The claims of one process in `folder`. Used from one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """Claim `name`, a file name; False when somebody has it. Never waits. Raises OSError on a full disk."""
        path = self._folder / name
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(file, path):
                    self._held[name] = file
                    return True
            except BlockingIOError:
                os.close(file)
                return False
            # its last holder took the file away between our opening and locking it
            os.close(file)

    def give_back(self, name: str) -> None:
        """Let others have `name`; nothing happens when it was not held."""
        file = self._held.pop(name, None)
        if file is not None:
            (self._folder / name).unlink(missing_ok=True)
            os.close(file)


def _is_at(file: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(file)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
