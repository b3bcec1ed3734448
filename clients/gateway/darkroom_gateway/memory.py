"""How much memory this process may use, so that limits fit the machine, and how to give it back."""

import asyncio
import contextlib
import ctypes
import ctypes.util
import os
from pathlib import Path

LEAST, MOST = 512 * 2**20, 4 * 2**30
"""Bounds of a share, bytes: two pictures of the largest size, and sixteen."""

_SHARE = 16
_CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Version 2 and version 1."""

_TRIM_FROM_BYTES = 32 * 2**20


def share_of(total: int) -> int:
    """A sixteenth of `total`, but LEAST at least and MOST at most, bytes: 1 GiB of 16 GiB, 4 GiB of 64 GiB."""
    return min(max(total // _SHARE, LEAST), MOST)


def total_memory(limits: tuple[Path, ...] = _CGROUP) -> int:
    """Of the machine, or of the container where that has a lower limit, bytes."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in limits:
        try:
            found.append(int(path.read_text()))
        except (OSError, ValueError):  # no such version, or "max" for no limit
            continue
    return min(found)


async def give_back(size: int) -> None:
    """After a picture of `size` bytes: return freed memory to the system, where that is worth the time.

    gRPC receives in small pieces, which glibc keeps: 300 MB more at rest after a result of 400 MB.
    """
    if size >= _TRIM_FROM_BYTES:
        await asyncio.to_thread(_trim)


def _trim() -> None:
    with contextlib.suppress(OSError, AttributeError):  # musl has no such function
        ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)
