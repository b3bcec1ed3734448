"""What one start of the server leaves on tmpfs while it runs, and takes away when it ends."""

import fcntl
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from darkroom.server.errors import ServerError

_PREFIX = "darkroom-"
_NAME = re.compile(rf"{_PREFIX}[0-9a-f]{{12}}")
_REGION = re.compile(rf"{_PREFIX}[0-9a-f]{{12}}-[0-9a-f-]+")
_BOARD = ("jobs", "engines", "cancel", "claims")
_OWNER = "owner.lock"
_SHARED_MEMORY = Path("/dev/shm")
_KEY = re.compile(r"[A-Za-z0-9._~-]{16,256}")


class RuntimeDirectory:
    """`/dev/shm/darkroom-<start id>/`, 0700: `device.lock`, `jobs/`, `engines/`, `backends/`, `admin.key`.

    Model processes find it in DARKROOM_RUNTIME_DIR. Its owner holds a lock on a file inside, so that a later
    start can tell the remains of a killed server from a running one, and sweep up only the former.
    """

    def __init__(self, base: Path | None = None) -> None:
        """`base`: the folder it lies in; by default /dev/shm, or the temporary directory if there is none."""
        self._base = base or _tmpfs()
        sweep(self._base)
        self.start_id = secrets.token_hex(6)
        self.path = self._base / f"{_PREFIX}{self.start_id}"
        # Born under another name and locked before it gets its own, so that nobody ever sees it unlocked.
        unborn = self._base / f".{self.path.name}"
        unborn.mkdir(mode=0o700)
        self._lock = (unborn / _OWNER).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        for folder in ("jobs", "engines"):
            (unborn / folder).mkdir()
        (unborn / "device.lock").touch(0o600)
        unborn.rename(self.path)

    @property
    def region_prefix(self) -> str:
        """What the names of this start's shared-memory regions begin with."""
        return f"{self.path.name}-"

    def admin_key(self, file: str | None) -> tuple[str, Path]:
        """The key in `file`, or a new one in `admin.key`; with the place where an operator can read it."""
        if file:
            return read_admin_key(Path(file)), Path(file)
        place = self.path / "admin.key"
        key = secrets.token_urlsafe(24)
        place.touch(0o600, exist_ok=False)
        place.write_text(key)
        return key, place

    def clear(self) -> None:
        """Delete what the processes of one run left: regions, jobs, engines. Call when none of them is left."""
        _remove_regions(self.path)
        for folder in _BOARD:
            for file in (self.path / folder).glob("*"):
                file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the directory and this start's shared-memory regions. Call when no process of it is left."""
        _remove(self.path)
        self._lock.close()


def read_admin_key(file: Path) -> str:
    """The admin key in `file`. Raises ServerError with a sentence that does not repeat the key."""
    try:
        key = file.read_text().strip()
    except OSError as error:
        raise ServerError(f"The admin key file {file} cannot be read: {error.strerror}.") from None
    if not _KEY.fullmatch(key):
        raise ServerError(
            f"The admin key in {file} must be 16 to 256 letters, digits, dots, underscores, tildes or "
            f"hyphens; it has {len(key)} characters."
        )
    return key


def sweep(base: Path) -> None:
    """Remove the runtime directories under `base`, and their regions, whose server was killed."""
    for path in base.iterdir():
        if not _NAME.fullmatch(path.name):
            continue
        try:
            with (path / _OWNER).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
        except OSError:
            continue  # running, somebody else's, or being swept by another start


def remove_region(name: str) -> None:
    """Delete the shared-memory region of a stub that is dead; its name is among ours, or nothing happens."""
    if _REGION.fullmatch(name):
        (_SHARED_MEMORY / name).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    _remove_regions(path)
    shutil.rmtree(path, ignore_errors=True)


def _remove_regions(path: Path) -> None:
    for region in _SHARED_MEMORY.glob(f"{path.name}-*"):
        region.unlink(missing_ok=True)


def _tmpfs() -> Path:
    return _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
