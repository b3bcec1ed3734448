"""What OpenVINO compiled, kept between starts: a large network is compiled for two seconds and read back in a quarter.

A file is named by what it was made of and by its own sha256, so a damaged one is never used, and one that another
release, processor or setting would need is never found.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from darkroom.digest import sha256
from darkroom.runtime import user_folder

VARIABLE = "DARKROOM_ENGINE_CACHE"
"""Names the folder in which compiled networks are kept across starts, TensorRT's engines among them."""
WORTH_S = 0.3
"""Compilations that take less are not kept."""
MOST_BYTES = 2 * 2**30
"""Of all kept files; the ones that were used longest ago go first."""


class CompiledCache:
    """Compiled networks of one ONNX file. Several processes may use a folder at once."""

    def __init__(self, folder: Path, made_of: str) -> None:
        """`made_of`: names the content of the ONNX file (its sha256 and those of its other files)."""
        self._folder = folder
        self._made_of = made_of

    def compile(self, core: Any, path: Path, settings: Mapping[str, Any]) -> Any:
        """The network in `path` compiled for the CPU with OpenVINO's `settings`, read back where it can be. Raises what
        OpenVINO raises; a folder that cannot be read or written only costs the time."""
        key = self._key(core, settings)
        with contextlib.suppress(OSError, RuntimeError):
            if (kept := self._find(key)) is not None:
                os.utime(kept)
                return core.import_model(_tensor(kept), "CPU", dict(settings))
        started = time.monotonic()
        compiled = core.compile_model(core.read_model(path), "CPU", dict(settings))
        if time.monotonic() - started >= WORTH_S:
            with contextlib.suppress(OSError, RuntimeError):
                self._keep(key, compiled)
        return compiled

    def _key(self, core: Any, settings: Mapping[str, Any]) -> str:
        versions = core.get_versions("CPU")["CPU"]
        processor = [core.get_property("CPU", name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
        facts = [self._made_of, versions.build_number, *processor, os.cpu_count(), dict(settings)]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]

    def _find(self, key: str) -> Path | None:
        """The kept file, whole; one that is not is removed."""
        for file in self._folder.glob(f"{key}.*"):
            if file.suffix == f".{sha256(file)}":
                return file
            file.unlink()
        return None

    def _keep(self, key: str, compiled: Any) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        blob = compiled.export_model().getbuffer()
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(blob)
            Path(name).replace(self._folder / f"{key}.{hashlib.sha256(blob).hexdigest()}")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._make_room()

    def _make_room(self) -> None:
        files = sorted(((file.stat(), file) for file in self._folder.iterdir() if file.is_file()), key=_used)
        total = sum(facts.st_size for facts, _ in files)
        for facts, file in files:
            if total <= MOST_BYTES:
                return
            file.unlink(missing_ok=True)
            total -= facts.st_size


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where compiled networks are kept: DARKROOM_ENGINE_CACHE, else the user's XDG cache folder."""
    if named := environment.get(VARIABLE):
        return Path(named) / "openvino"
    return user_folder(environment, "XDG_CACHE_HOME", ".cache") / "openvino"


def _used(entry: tuple[os.stat_result, Path]) -> float:
    return entry[0].st_mtime


def _tensor(file: Path) -> Any:
    """The file as OpenVINO takes it: a copy of its own, which the compiled network may go on using."""
    import openvino

    return openvino.Tensor(np.memmap(file, np.uint8, "r"))
