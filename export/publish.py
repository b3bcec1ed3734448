"""Puts finished files into the model repository: all of them, or none.

Files are made in a hidden folder beside the models, so on the same file system, and renamed into place; what a killed
run left there is swept by the next one. Not inside the model's own folder: Triton takes whatever appears there beside
the versions for a change of the model, and reloads it for nothing.
"""

import compileall
import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from darkroom.config import NETWORKS_FILE, PIPELINE_FILE, ConfigError, NetworkRecord, load_networks
from darkroom.digest import sha256
from export import durable
from export.errors import ExportError
from export.recipe import Network

MODEL_FILE = "model.py"
PUBLICATION_FILE = "publication.json"
"""Beside a version's networks.json: when and from what it was published, and what the gate found."""
_STAGING = ".staging-"

Records = Mapping[str, Mapping[str, Any]]
"""Network name -> its record, as `networks.json` holds it."""


@contextlib.contextmanager
def staging(task: Path) -> Iterator[Path]:
    """An empty folder beside the task's folder (made if missing), gone afterwards; one export of a task at a time.

    Raises ExportError while another export of the same task runs.
    """
    task.mkdir(parents=True, exist_ok=True)
    # The lock is on the folder itself and dies with the process: nothing to clean up, nothing to commit by
    # mistake.
    handle = os.open(task, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportError(f"Another export of {task.name} is running.") from None
        prefix = f"{_STAGING}{task.name}."
        for stale in task.parent.glob(f"{prefix}*"):
            shutil.rmtree(stale)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=task.parent))
        try:
            (folder / ".gitignore").write_text("*\n")
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def fill_version(version: Path, staged: Path, records: Records) -> None:
    """Move everything below `staged` into the version folder, and write `networks.json` last.

    `networks.json` is what says that a version is complete: it is taken away before a file that it describes
    is replaced, so a run killed in between leaves a version that is plainly not exported.
    """
    version.mkdir(parents=True, exist_ok=True)
    files = sorted(path.relative_to(staged) for path in staged.rglob("*") if path.is_file())
    listing = version / NETWORKS_FILE
    if any((version / file).exists() for file in files):
        listing.unlink(missing_ok=True)
    for file in files:
        (version / file).parent.mkdir(parents=True, exist_ok=True)
        (staged / file).replace(version / file)
    fresh = staged / NETWORKS_FILE
    fresh.write_text(json.dumps(records, indent=2) + "\n")
    durable.sync_tree(version)
    durable.sync(fresh)
    fresh.replace(listing)
    durable.sync(version)


def base_version(task: Path, number: int | None = None) -> Path:
    """The version that gives model.py and pipeline.json to the next one: `number`, or the newest that has both.

    Raises ExportError where there is none.
    """
    donors = [v for v in versions(task) if (v / MODEL_FILE).is_file() and (v / PIPELINE_FILE).is_file()]
    if number is not None:
        donors = [version for version in donors if int(version.name) == number]
    if not donors:
        which = f"no version {number}" if number is not None else "no version"
        raise ExportError(f"{task} has {which} with {MODEL_FILE} and {PIPELINE_FILE} to take for a new version.")
    return donors[-1]


def complete(base: Path, staged: Path, records: Records, tunables: Mapping[str, Any]) -> None:
    """Put into `staged`, beside the networks of `records`, all else that a version is made of: the base version's own
    files (model.py, and what people put beside it), pipeline.json and networks.json."""
    named = {PIPELINE_FILE, NETWORKS_FILE, PUBLICATION_FILE}
    exported = {name for record in _records(base).values() for name in (record.file, *record.files)}
    for path in sorted(base.rglob("*")):
        file = path.relative_to(base)
        theirs = file.as_posix() in named | exported or "__pycache__" in file.parts
        if path.is_file() and not theirs and not (staged / file).exists():
            (staged / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, staged / file)
    (staged / PIPELINE_FILE).write_text(json.dumps(tunables, indent=2) + "\n")
    (staged / NETWORKS_FILE).write_text(json.dumps(records, indent=2) + "\n")


def add_version(task: Path, staged: Path, publication: Mapping[str, Any]) -> Path:
    """Give the complete version `staged` the next number. Returns its folder."""
    target = task / next_number(task)
    (staged / PUBLICATION_FILE).write_text(json.dumps(publication, indent=2) + "\n")
    # Bytecode that Python writes while the model loads would count as a change of the version.
    compileall.compile_dir(staged, maxlevels=0, quiet=2, ddir=str(target), force=True)
    return durable.rename_into_place(staged, target)


def next_number(task: Path) -> str:
    """Of the version to publish: one more than the newest."""
    existing = versions(task)
    return str(int(existing[-1].name) + 1) if existing else "1"


def newest_intact(task: Path) -> Path | None:
    """The newest version that is exported and whose files are those that were exported."""
    for version in reversed(versions(task)):
        records = _records(version)
        if records and all(_has_files(version, record) for record in records.values()):
            return version
    return None


def is_same(version: Path, other: Path) -> bool:
    """Whether two complete versions serve the same: networks, tunables and code."""

    def content(folder: Path) -> tuple[Any, ...]:
        networks = {name: (record.sha256, record.files) for name, record in _records(folder).items()}
        code = {path.name: path.read_bytes() for path in folder.glob("*.py")}
        return networks, json.loads((folder / PIPELINE_FILE).read_text()), code

    return content(version) == content(other)


def versions(task: Path) -> list[Path]:
    """The version folders of a task, oldest first; [] where the task has none."""
    if not task.is_dir():
        return []
    return sorted(
        (path for path in task.iterdir() if path.is_dir() and path.name.isdecimal()),
        key=lambda p: int(p.name),
    )


def record(network: Network, folder: Path, facts: Mapping[str, Any], exporter: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a network whose files lie in `folder`, complete with hashes and origin."""
    file = f"{network.name}.onnx"
    if not (folder / file).is_file():
        raise ExportError(f"{network.name}: its recipe wrote no {file}.")
    beside = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / file)
    weights = network.weights
    return {
        "file": file,
        "sha256": sha256(folder / file),
        "bytes": (folder / file).stat().st_size,
        "files": {path.relative_to(folder).as_posix(): sha256(path) for path in beside},
        "architecture": weights.architecture,
        "scale": network.scale,
        "weights": weights.label,
        "licence": weights.licence,
        "origin": weights.origin,
        "exporter": dict(exporter),
        **facts,
        **network.made_from,
    }


def holds(version: Path, networks: tuple[Network, ...]) -> bool:
    """Whether the version has exactly these networks, made from the same weights and settings, every file
    intact."""
    records = _records(version)
    return set(records) == {network.name for network in networks} and all(
        is_intact(version, records[network.name], network) for network in networks
    )


def is_intact(version: Path, found: NetworkRecord, network: Network) -> bool:
    """Whether the record was made from what `network` names, and its files are there with the recorded
    sha256."""
    extra = found.model_extra or {}
    made_from = {"architecture": found.architecture} | {key: extra.get(key) for key in ("weights_sha256", "settings")}
    return made_from == network.made_from and _has_files(version, found)


def _has_files(version: Path, found: NetworkRecord) -> bool:
    files = {found.file: found.sha256, **found.files}
    return all((version / file).is_file() and sha256(version / file) == digest for file, digest in files.items())


def find_twin(repository: Path, network: Network) -> tuple[Path, NetworkRecord] | None:
    """An intact export of the same network anywhere in the repository: (its version folder, its record)."""
    for task in sorted(repository.iterdir()) if repository.is_dir() else []:
        for version in versions(task):
            found = _records(version).get(network.name)
            if found is not None and is_intact(version, found, network):
                return version, found
    return None


def link_base(base: Path, name: str, folder: Path) -> dict[str, Any] | None:
    """Put the base version's network of that name into `folder` and return its record; None where it has none, or not
    intact."""
    found = _records(base).get(name)
    if found is None or not _has_files(base, found):
        return None
    return link_twin((base, found), folder)


def names_in(version: Path) -> list[str]:
    """Names of the networks that the version's networks.json records."""
    return list(_records(version))


def link_twin(twin: tuple[Path, NetworkRecord], folder: Path) -> dict[str, Any]:
    """Put the twin's files into `folder` (hard links where the file system can) and return its record."""
    version, found = twin
    for file in [found.file, *found.files]:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(version / file)
        except OSError:
            shutil.copyfile(version / file, target)
    return found.model_dump()


def _records(version: Path) -> dict[str, NetworkRecord]:
    # A missing or damaged networks.json means: not exported. The export that follows writes a good one.
    try:
        return load_networks(version)
    except ConfigError:
        return {}
