"""Reading and replacing the board's files."""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

FOLDERS = ("jobs", "engines", "cancel", "claims")


def prepare(folder: Path) -> None:
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def name_of(job_id: str) -> str:
    """A file name for any id a caller may choose."""
    return hashlib.sha256(job_id.encode()).hexdigest()[:32]


def replace(path: Path, content: dict[str, Any]) -> None:
    """Write the whole file or nothing: readers see the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)


def is_being_written(temporary: Path) -> bool:
    """Whether the process that began a file still runs."""
    pid = temporary.suffix[1:]
    return pid.isdecimal() and bool(process_start(int(pid)))


def read(path: Path) -> dict[str, Any] | None:
    """The file's object; None when it has gone, or holds none (its owner died half-way)."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def process_start(pid: int) -> str:
    """When the process began, in the kernel's ticks; "" when there is none. A pid alone may be used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def is_alive(content: dict[str, Any]) -> bool:
    """Whether the process that wrote this still runs."""
    start = content.get("process_start")
    return bool(start) and process_start(int(content.get("pid", 0))) == start
