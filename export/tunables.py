"""`--set key.path=value`: tunables of a version's pipeline.json, changed by name."""

import json
from collections.abc import Sequence
from typing import Any

from export.errors import ExportError

Change = tuple[tuple[str, ...], Any]
"""(path of keys, new value)."""


def parse(text: str) -> Change:
    """`engine.max_batch=16` -> (("engine", "max_batch"), 16). The value is JSON; what is none is a string.

    Raises ExportError for a text without `=` or with an empty key.
    """
    path, equals, value = text.partition("=")
    keys = tuple(path.strip().split("."))
    if not equals or not all(keys):
        raise ExportError(f'--set takes key.path=value, such as engine.max_batch=16; got "{text}".')
    try:
        return keys, json.loads(value)
    except json.JSONDecodeError:
        return keys, value


def apply(tunables: dict[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """A copy with the changes made, the later ones over the earlier. Missing sections are made; whether a key means
    anything is for darkroom.config to say. Raises ExportError where a path leads through a value that has no keys."""
    changed: dict[str, Any] = json.loads(json.dumps(tunables))
    for keys, value in changes:
        section = changed
        for depth, key in enumerate(keys[:-1], 1):
            section = section.setdefault(key, {})
            if not isinstance(section, dict):
                raise ExportError(f"--set {'.'.join(keys)}: {'.'.join(keys[:depth])} is a value and has no keys.")
        section[keys[-1]] = value
    return changed
