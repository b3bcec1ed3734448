"""The folder on tmpfs that the processes of one server share (the device's turn, the states of jobs), and those of a
user that outlive them."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "DARKROOM_RUNTIME_DIR"
POISONED_EXIT = 70
"""Exit code of a model process that lost its device, after it has answered its jobs."""


def runtime_dir() -> Path:
    """The server's folder (`python -m darkroom.server` makes one a start and names it in DARKROOM_RUNTIME_DIR);
    a bare tritonserver gets one a user on /dev/shm."""
    named = os.environ.get(VARIABLE)
    if named:
        folder = Path(named)
    else:
        base = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
        folder = base / f"darkroom-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def user_folder(environment: Mapping[str, str], variable: str, below_home: str) -> Path:
    """Our folder in one of the user's XDG base directories: where `variable` says, else `below_home`."""
    # a container's arbitrary user may have no home; then what is kept lasts as long as the container
    home = environment.get("HOME") or tempfile.gettempdir()
    return Path(environment.get(variable) or f"{home}/{below_home}") / "darkroom"
