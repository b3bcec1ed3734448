"""Which pictures of a folder are done, so that a batch that was stopped goes on where it was."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkroom_client.cli.plan import Item

FILE_NAME = ".darkroom.jsonl"


def fingerprint(task: str, options: Mapping[str, Any]) -> str:
    """Of everything that changes a result: other options make a finished picture out of date."""
    return hashlib.sha256(json.dumps([task, dict(options)], sort_keys=True).encode()).hexdigest()[:16]


class Journal:
    """One line for each finished picture, in a hidden file of the output folder.

    Appended after the picture has its name, so that after a crash a line without picture cannot exist; a picture
    without line is made again. Lines of several processes in one folder do not mix (O_APPEND).
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / FILE_NAME
        self._done = dict(self._lines())

    def is_done(self, item: Item, print_: str) -> bool:
        """Whether the result is there, made with these options from the source as it is now."""
        entry = self._done.get(self._key(item))
        return entry is not None and item.output.exists() and entry == _entry(item, print_)

    def record(self, item: Item, print_: str) -> None:
        """Note a finished picture."""
        key, entry = self._key(item), _entry(item, print_)
        self._done[key] = entry
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"output": key, **entry}, ensure_ascii=False) + "\n")

    def _key(self, item: Item) -> str:
        return os.path.relpath(item.output, self._root)

    def _lines(self) -> list[tuple[str, dict[str, Any]]]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        entries = []
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                entries.append((str(entry.pop("output")), entry))
            except (ValueError, KeyError, AttributeError):
                continue  # half a line of a process that was killed: its picture is made again
        return entries


def _entry(item: Item, print_: str) -> dict[str, Any]:
    source = item.source.stat()
    return {
        "source": str(item.source.resolve()),
        "size": source.st_size,
        "mtime_ns": source.st_mtime_ns,
        "options": f"{print_}-{item.output_format}",
    }
