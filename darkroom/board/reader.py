"""The other side of the board: what the `jobs` model tells callers."""

from pathlib import Path
from typing import Any

from darkroom.board import files

PRIVATE = ("pid", "process_start")


class BoardReader:
    """Reads the states that model processes publish. What a dead process left behind counts as gone."""

    def __init__(self, folder: Path) -> None:
        files.prepare(folder)
        self._folder = folder

    def job(self, job_id: str) -> dict[str, Any] | None:
        """The state of one running job, or None."""
        return self._live(self._folder / "jobs" / f"{files.name_of(job_id)}.json")

    def jobs(self) -> list[dict[str, Any]]:
        """The states of all running jobs."""
        return self._all("jobs")

    def engines(self) -> list[dict[str, Any]]:
        """The totals of all engines, by task and version."""
        return sorted(self._all("engines"), key=lambda engine: (engine["task"], engine["version"]))

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

    def _all(self, kind: str) -> list[dict[str, Any]]:
        paths = (self._folder / kind).glob("[!.]*.json")
        return [content for path in paths if (content := self._live(path)) is not None]

    def _live(self, path: Path) -> dict[str, Any] | None:
        content = files.read(path)
        if content is None:
            return None
        if not files.is_alive(content):
            files.remove(path)
            return None
        return {key: value for key, value in content.items() if key not in PRIVATE}
