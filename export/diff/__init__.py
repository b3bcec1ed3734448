"""Two versions of a task compared: size, speed, pictures. `python -m export diff TASK 1 2`."""

import datetime
import json
from pathlib import Path
from typing import Any

from demo.errors import DemoError
from demo.folder import published
from demo.machine import machine_facts
from export import publish
from export.diff import page
from export.diff.measure import Comparison, Side, compare, measure
from export.errors import ExportError
from export.recipe import Recipe
from export.release import Say

REPORT_FILE = "diff.json"


def diff(recipe: Recipe, repository: Path, first: int, second: int, out: Path, say: Say) -> dict[str, Any]:
    """Measure both versions, write `out`/index.html and diff.json, print a few lines. Returns what diff.json holds.

    Raises ExportError where a version is not there or cannot answer, or the recipe has no pictures to send.
    """
    task = repository / recipe.task
    references = recipe.references() if recipe.references else ()
    if not references:
        raise ExportError(f"The recipe of {recipe.task} has no references, so there is nothing to compare by.")
    sides = []
    for number in (first, second):
        folder = task / str(number)
        if not folder.is_dir():
            there = ", ".join(version.name for version in publish.versions(task)) or "none"
            raise ExportError(f"{recipe.task} has no version {number}; there are {there}.")
        say(f"{recipe.task}: measuring version {number}")
        sides.append(measure(folder, number, recipe.serves(), references))
    comparison = compare(recipe.task, references, *sides)
    report = {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine_facts(),
        **comparison.facts(),
    }
    try:
        with published(out, REPORT_FILE) as folder:
            (folder / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n")
            page.write(comparison, report, folder)
    except DemoError as error:
        raise ExportError(str(error)) from None
    for line in comparison.lines():
        say(line)
    say(f"Look at {out / page.PAGE_FILE}")
    return report


__all__ = ["Comparison", "Side", "diff"]
