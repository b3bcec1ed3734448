"""Which versions lie in the model repository: Triton's own index tells only those that it loaded once."""

from pathlib import Path
from typing import Any

from darkroom.board import BoardReader
from darkroom.headroom import available_bytes, expected_bytes, private_bytes

_OWN_NAME = "jobs"


class Published:
    """The model repository as the `jobs` model sees it from its own folder."""

    def __init__(self, own_folder: Path | None, board: BoardReader) -> None:
        """`own_folder`: where Triton found the `jobs` model. A copy that Triton made of an object store's folder has
        another name and no neighbours: then nothing is known."""
        self._repository = own_folder.parent if own_folder is not None and own_folder.name == _OWN_NAME else None
        self._board = board

    def listing(self) -> dict[str, Any]:
        """`models`: name -> its versions, oldest first, each with `memory_bytes`, what its process takes or is
        expected to take; `available_bytes`: what is left."""
        taken = self._taken()
        folders = [] if self._repository is None else sorted(self._repository.glob("*/config.pbtxt"))
        models = {path.parent.name: _versions(path.parent, taken.get(path.parent.name, 0)) for path in folders}
        return {"models": models, "available_bytes": available_bytes()}

    def _taken(self) -> dict[str, int]:
        """By task: the memory of its largest engine. The next version of a task is much like the last."""
        taken: dict[str, int] = {}
        for task, pid in self._board.processes():
            taken[task] = max(taken.get(task, 0), private_bytes(pid) or 0)
        return taken


def _versions(model: Path, taken: int) -> list[dict[str, Any]]:
    folders = [path for path in model.iterdir() if path.is_dir() and path.name.isdecimal() and int(path.name) > 0]
    numbered = sorted(folders, key=lambda path: int(path.name))
    return [{"version": int(path.name), "memory_bytes": taken or expected_bytes(path)} for path in numbered]
