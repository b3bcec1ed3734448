"""Files that are on the disk when we say so, also after a power cut."""

import os
from pathlib import Path


def sync_tree(folder: Path) -> None:
    """Write out every file and folder below `folder`, and `folder` itself. Raises OSError, for instance for a full
    disk that only shows now."""
    for parent, _, files in os.walk(folder):
        for file in files:
            sync(Path(parent) / file)
        sync(Path(parent))


def sync(path: Path) -> None:
    """Write out one file, or the list of names of one folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename_into_place(source: Path, target: Path) -> Path:
    """Give the complete folder `source` its name: after a kill or a power cut `target` is whole, or not there."""
    sync_tree(source)
    placed = source.rename(target)
    sync(target.parent)
    return placed
