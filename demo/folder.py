"""A folder that appears under its name only when it is complete."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.errors import DemoError


@contextmanager
def published(folder: Path, marker: str) -> Iterator[Path]:
    """A new folder beside `folder` to write into; it takes the place of `folder` when the block ends well.

    When the block raises, what was at `folder` stays as it was. Raises DemoError for a `folder` that holds something
    else than an earlier result, which is told by a file named `marker`.
    """
    _check(folder, marker)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield work
        work.chmod(0o777 & ~_umask())  # mkdtemp makes folders private
        _take_place(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check(folder: Path, marker: str) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DemoError(f"{folder} is a file; name a folder for the result.")
    if any(folder.iterdir()) and not (folder / marker).is_file():
        raise DemoError(f"{folder} holds something else than an earlier result (no {marker}); name another folder.")


def _take_place(work: Path, folder: Path) -> None:
    if not folder.exists():
        work.rename(folder)
        return
    # Between the two renames there is no folder for a moment, but never half of one.
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    folder.rename(old / folder.name)
    try:
        work.rename(folder)
    except OSError:
        (old / folder.name).rename(folder)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
