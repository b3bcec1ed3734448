"""The next version of a model: made from an earlier one, gated, recorded, and put in place whole."""

import argparse
import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import darkroom
from darkroom.config import PIPELINE_FILE
from export import publish, tunables
from export.errors import ExportError
from export.recipe import Network, Plan, Recipe

Say = Callable[[str], None]
"""Prints one line of progress."""


@dataclass(frozen=True)
class Candidate:
    """A complete version that has no number yet, as the gate sees it."""

    recipe: Recipe
    task: Path
    """The model's folder: config.pbtxt, configs/, the versions."""
    folder: Path
    """The version, complete."""
    number: str
    """Of the version that it would become."""
    previous: Path | None
    """The newest intact version: what the candidate's quality is held against."""
    networks: Mapping[str, Network]
    """Of the recipe; those that came from an earlier version alone are not among them."""
    scratch: Path
    """An empty folder on the same file system; the gate may leave there what it likes."""
    allow_worse: str | None = None


Gate = Callable[[Candidate, Say], Mapping[str, Any]]
"""Returns what it found, JSON-able. Raises ExportError where the version must not be published."""


@dataclass(frozen=True)
class Request:
    """What the command line says about a version to publish."""

    always: bool = False
    """Publish the next version (--publish), not only where the plan asks for one."""
    from_version: int | None = None
    changes: tuple[tunables.Change, ...] = ()
    note: str = ""
    allow_worse: str | None = None
    """Why a lower quality is accepted; recorded."""
    gate: Gate | None = field(default=None, compare=False)


def release(
    recipe: Recipe,
    plan: Plan,
    arguments: argparse.Namespace,
    request: Request,
    make: Callable[[Network, Path, Path], dict[str, Any]],
    say: Say,
) -> Path:
    """Make, gate and publish the next version; returns its folder. Raises ExportError, and then nothing was published.

    `make(network, staged, scratch)` puts one network's files into `staged` and returns its record.
    """
    task: Path = arguments.repository / recipe.task
    with publish.staging(task) as scratch:
        base = publish.base_version(task, request.from_version)
        staged = scratch / "version"
        staged.mkdir()
        records = {network.name: make(network, staged, scratch / "network") for network in plan.networks}
        if not plan.new_version:
            # A plan without networks of the user's own takes over those that an earlier version has.
            records |= _kept(base, staged, set(records))
        if plan.check is not None:
            say(f"{recipe.task}: checking the networks together")
            for name, facts in plan.check(staged).items():
                records[name] |= facts
        settings = json.loads((base / PIPELINE_FILE).read_text())
        if plan.pipeline is not None:
            settings = plan.pipeline(settings)
        publish.complete(base, staged, records, tunables.apply(settings, request.changes))
        newest = publish.newest_intact(task)
        if request.always and not arguments.force:
            _refuse_unchanged(task, staged, newest)
        number = publish.next_number(task)
        found: Mapping[str, Any] = {}
        if request.gate is not None:
            networks = {network.name: network for network in plan.networks}
            candidate = Candidate(recipe, task, staged, number, newest, networks, scratch / "gate", request.allow_worse)
            candidate.scratch.mkdir()
            found = request.gate(candidate, lambda line: say(f"{recipe.task}: {line}"))
        version = publish.add_version(task, staged, _publication(recipe, number, base, request, found))
    say(f"Published {recipe.task} version {version.name} in {version}. Serve it: darkroom models load {recipe.task}")
    return version


def _kept(base: Path, staged: Path, made: set[str]) -> dict[str, dict[str, Any]]:
    kept = {}
    for name in publish.names_in(base):
        if name not in made:
            record = publish.link_base(base, name, staged)
            if record is None:
                raise ExportError(f"The files of {name} in {base} are not those that were exported; export it again.")
            kept[name] = record
    return kept


def _refuse_unchanged(task: Path, staged: Path, newest: Path | None) -> None:
    # A damaged newest version is one more reason to publish.
    if newest == publish.versions(task)[-1] and publish.is_same(staged, newest):
        raise ExportError(
            f"Version {newest.name} has the same networks and the same tunables already; change something "
            "(--set key.path=value), or say --force."
        )


def _publication(recipe: Recipe, number: str, base: Path, request: Request, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": recipe.task,
        "version": number,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "exporter": {"darkroom": darkroom.__version__},
        "base_version": base.name,
        "changes": {".".join(keys): value for keys, value in request.changes},
        "note": request.note,
        "allow_worse": request.allow_worse,
        "gate": dict(found),
    }
