"""One device, several model processes: they take turns, batch by batch, through two locked files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DeviceLock:
    """A fair lock between processes. A plain file lock lets the process that just released it win again; here the
    one that waits longest holds the `next` file meanwhile, so whoever comes back has to stand behind it."""

    def __init__(self, folder: Path) -> None:
        """`folder`: the runtime directory that all model processes of one server share."""
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = (folder / "device.next", folder / "device.lock")

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the device and keep it; released by the kernel should the process die."""
        next_file, device = (os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for path in self._paths)
        try:
            fcntl.flock(next_file, fcntl.LOCK_EX)
            fcntl.flock(device, fcntl.LOCK_EX)
            fcntl.flock(next_file, fcntl.LOCK_UN)
            yield
        finally:
            os.close(next_file)
            os.close(device)
