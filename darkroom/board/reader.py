"""The other side of the board: what the `jobs` model tells callers."""

from pathlib import Path
from typing import Any

from darkroom.board import files
from darkroom.engine.job import now

PRIVATE = ("pid", "process_start")


class BoardReader:
    """Reads the states that model processes publish. Jobs that a dead process left behind count as gone; engines stay
    listed, dead, until they are swept. It removes nothing: a file may be another's by the time it is unlinked."""

    def __init__(self, folder: Path) -> None:
        files.prepare(folder)
        self._folder = folder

    def job(self, job_id: str) -> dict[str, Any] | None:
        """The state of one running job, or None."""
        return _living(self._folder / "jobs" / f"{files.name_of(job_id)}.json")

    def jobs(self) -> list[dict[str, Any]]:
        """The states of all running jobs."""
        return [content for path in self._paths("jobs") if (content := _living(path)) is not None]

    def engines(self) -> list[dict[str, Any]]:
        """The totals of all engines, by task and version; `alive` says whether the engine's process still runs, `up_s`
        how many seconds ago it was started."""
        contents = [content for path in self._paths("engines") if (content := files.read(path)) is not None]
        totals = [
            _public(content) | {"alive": files.is_alive(content), "up_s": round(now() - content["started_at"], 3)}
            for content in contents
        ]
        return sorted(totals, key=lambda engine: (engine["task"], engine["version"]))

    def processes(self) -> list[tuple[str, int]]:
        """The task and the process id of every engine that runs."""
        contents = [files.read(path) for path in (self._folder / "engines").glob("[!.]*.json")]
        return [(str(each["task"]), int(each["pid"])) for each in contents if each is not None and files.is_alive(each)]

    def cancel(self, job_id: str) -> bool:
        """Ask the process that runs a job to stop it; False when no process does. It hears within 50 ms."""
        if self.job(job_id) is None:
            return False
        (self._folder / "cancel" / files.name_of(job_id)).touch(mode=0o600)
        return True

    def _paths(self, kind: str) -> list[Path]:
        return list((self._folder / kind).glob("[!.]*.json"))


def _living(path: Path) -> dict[str, Any] | None:
    content = files.read(path)
    return None if content is None or not files.is_alive(content) else _public(content)


def _public(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in PRIVATE}
