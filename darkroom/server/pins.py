"""Pins: versions an operator chose over the newest one, which Triton forgets when it ends.

`darkroom models pin` loads a model with its own configuration, in which version_policy names the versions. The
supervisor sees such a policy and keeps it, with the configuration, in one file a repository; whoever loads the model
afresh applies it again.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.runtime import user_folder
from darkroom.server.repository import config_file, is_remote, versions

STATE_DIR = "DARKROOM_STATE_DIR"
FILE = "pins.json"
_SPECIFIC = re.compile(r"version_policy\s*:?\s*\{\s*specific\s*:?\s*\{\s*versions\s*:\s*\[?([\d,\s]+)")


@dataclass(frozen=True)
class Pin:
    """`versions`: what is served. `config`: the whole override. `made_of`: hash of the file it was an override of."""

    versions: tuple[int, ...]
    config: dict[str, Any]
    made_of: str


def state_dir(named: str | None, environment: Mapping[str, str], repository: Path | str) -> Path:
    """Where a repository's state is kept: as named, else DARKROOM_STATE_DIR, else the user's XDG state folder."""
    if named or (named := environment.get(STATE_DIR)):
        return Path(named)
    states = user_folder(environment, "XDG_STATE_HOME", ".local/state")
    return states / hashlib.sha256(str(repository).encode()).hexdigest()[:12]


def pinned_versions(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The versions that a configuration's policy names one by one; () for latest and all."""
    specific = (config.get("version_policy") or {}).get("specific") or {}
    return tuple(sorted(int(number) for number in specific.get("versions", ())))


def override(config: Mapping[str, Any], numbers: tuple[int, ...]) -> dict[str, Any]:
    """A model's own configuration that serves these versions; the newest one for ()."""
    policy = {"specific": {"versions": list(numbers)}} if numbers else {"latest": {"num_versions": 1}}
    return {**config, "version_policy": policy}


class Pins:
    """The pins of one repository. Used from one thread at a time."""

    def __init__(self, folder: Path, repository: Path | str, config_name: str) -> None:
        """`folder`: the state directory; made when there is something to keep."""
        self._file = folder / FILE
        self._repository, self._config_name = repository, config_name
        self._pins = _read(self._file)

    def get(self, model: str) -> Pin | None:
        return self._pins.get(model)

    def usable(self, model: str) -> Pin | None:
        """The pin, if it can be loaded as it stands: what it names is there, and its configuration is of today."""
        pin = self._pins.get(model)
        return None if pin is None or self._gone(model, pin) or pin.made_of != self._hash(model) else pin

    def remarks(self, model: str) -> str | None:
        """What an operator should hear of a pin at a start; None when there is nothing to say."""
        pin = self._pins.get(model)
        if pin is None:
            return None
        if gone := self._gone(model, pin):
            return f"{model}: pinned to version {_list(pin.versions)}, but {_list(gone)} is gone; the newest is served."
        newest = max(self._there(model), default=0)
        if newest > max(pin.versions):
            return f"{model}: pinned to version {_list(pin.versions)}; version {newest} is newer and is not served."
        return f"{model}: pinned to version {_list(pin.versions)}."

    def to_load(self, model: str, current: Callable[[], Mapping[str, Any]]) -> dict[str, Any] | None:
        """The override that serves the pinned versions; None where none is pinned, or what is pinned is gone.
        `current`: asks for the configuration in force, needed where the file has changed since the pin."""
        pin = self._pins.get(model)
        if pin is None or self._gone(model, pin):
            return None
        return pin.config if pin.made_of == self._hash(model) else override(current(), pin.versions)

    def observe(self, model: str, config: Mapping[str, Any]) -> None:
        """Keep the policy in force if it is a pin, forget the pin if it is not. Raises OSError."""
        numbers = pinned_versions(config)
        if not numbers or numbers == self._own_versions(model):
            found = None
        else:
            found = Pin(numbers, dict(config), self._hash(model))
        if found != self._pins.get(model):
            self._pins = {name: pin for name, pin in self._pins.items() if name != model}
            if found is not None:
                self._pins[model] = found
            self._write()

    def _gone(self, model: str, pin: Pin) -> tuple[int, ...]:
        if is_remote(self._repository):
            return ()
        return tuple(sorted(set(pin.versions) - set(self._there(model))))

    def _there(self, model: str) -> list[int]:
        folder = Path(self._repository) / model
        if is_remote(self._repository) or not folder.is_dir():
            return []
        return [int(path.name) for path in versions(folder)]

    def _text(self, model: str) -> str:
        if is_remote(self._repository):
            return ""
        with contextlib.suppress(OSError):
            return config_file(Path(self._repository) / model, self._config_name).read_text()
        return ""

    def _hash(self, model: str) -> str:
        return hashlib.sha256(self._text(model).encode()).hexdigest()[:16]

    def _own_versions(self, model: str) -> tuple[int, ...]:
        found = _SPECIFIC.search(re.sub(r"#.*", "", self._text(model)))
        return tuple(sorted(int(number) for number in re.findall(r"\d+", found[1]))) if found else ()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        content = {
            name: {"versions": pin.versions, "made_of": pin.made_of, "config": pin.config}
            for name, pin in sorted(self._pins.items())
        }
        temporary = self._file.with_name(f".{FILE}.{os.getpid()}")
        with temporary.open("w") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)


def _read(file: Path) -> dict[str, Pin]:
    """What a damaged file says cannot be trusted: then nothing is pinned."""
    try:
        content = json.loads(file.read_text())
        return {
            name: Pin(tuple(int(number) for number in pin["versions"]), dict(pin["config"]), str(pin["made_of"]))
            for name, pin in content.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
