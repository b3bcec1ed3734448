"""Scratch model repositories whose versions cost no disk: hard-linked copies of the real ones."""

import compileall
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[1] / "model_repository"


def copy_repository(target: Path, models: Sequence[str]) -> Path:
    """`target` with the first version of each model (and `jobs`). Returns `target`."""
    for model in dict.fromkeys([*models, "jobs"]):
        folder = target / model
        folder.mkdir(parents=True)
        for part in ("config.pbtxt", "configs", "warmup"):
            source = REPOSITORY / model / part
            if source.is_dir():
                shutil.copytree(source, folder / part)
            elif source.is_file():
                shutil.copy2(source, folder / part)
        _copy_version(REPOSITORY / model / "1", folder / "1")
    return target


def publish_copy(model: Path, source: int | None = None) -> int:
    """Publish the version `source` (default: the newest) of a model's folder once more. Returns the new number."""
    newest = max(int(path.name) for path in model.iterdir() if path.name.isdecimal())
    staged = _copy_version(model / str(source or newest), model / f".staging-{newest + 1}")
    staged.rename(model / str(newest + 1))
    return newest + 1


def _copy_version(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, copy_function=_link)
    # bytecode that is written while the model loads would count as a change of the model
    compileall.compile_dir(target, maxlevels=0, quiet=2)
    return target


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
