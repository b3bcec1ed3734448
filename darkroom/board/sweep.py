"""Taking away what dead processes left on a board."""

from pathlib import Path

from darkroom.board import files
from darkroom.board.claims import Claims


def sweep(folder: Path, engines: str = "*") -> None:
    """Remove the jobs, claims, half-written files and engines of processes that have ended. `engines`: a pattern of
    engine files; only those go. Safe beside living engines and other sweepers."""
    files.prepare(folder)
    for path in (folder / "engines").glob(f"{engines}.json"):
        if (content := files.read(path)) is not None and not files.is_alive(content):
            files.remove(path)
    claims = Claims(folder / "claims")
    for name in {path.stem for path in (folder / "jobs").glob("[!.]*.json")} | {
        path.name for path in (folder / "claims").iterdir()
    }:
        # while the claim is ours no living job of that id can come between the look and the removal
        if claims.take(name):
            _remove_dead_job(folder / "jobs" / f"{name}.json")
            claims.give_back(name)
    for kind in files.FOLDERS:
        for path in (folder / kind).glob(".*"):
            if not files.is_being_written(path):
                files.remove(path)


def _remove_dead_job(path: Path) -> None:
    content = files.read(path)
    if content is not None and not files.is_alive(content):
        files.remove(path)
