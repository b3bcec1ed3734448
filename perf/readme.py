"""Do the README and docs/measured.md say what was measured? Their tables against out/perf/*.json, row by row.

    python -m perf.readme            # which tables have other rows than their command writes
    python -m perf.readme --write    # put the figures of out/perf into those that have the same

A table belongs to the command that was named last before it (`python -m perf.NAME`, `make demo`). It may leave out
columns and rows of the command's, and may not have any of its own.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.harness import OUT, table

PAGES = (Path("README.md"), Path("docs/measured.md"))
_HEADING = re.compile(r"#+ Measured")
_COMMAND = re.compile(r"python -m perf\.(\w+)|make demo")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


@dataclass(frozen=True)
class Table:
    """A table of a page, and where it came from."""

    first: int
    """Its first line, counted from 0."""
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    name: str
    """Of the measurement: NAME of `python -m perf.NAME`; empty for `make demo`."""

    def rendered(self, rows: Sequence[Mapping[str, Any]]) -> list[str] | None:
        """Its lines with the figures of `rows`; None unless each of its rows and columns is among them."""
        if not rows or not set(self.heads) <= set(rows[0]):
            return None
        lines = table([{head: row.get(head, "") for head in self.heads} for row in rows]).splitlines()
        chosen = [_find(mine, lines[2:], self._keys(rows)) for mine in self.rows]
        found = [line for line in chosen if line is not None]
        return lines[:2] + found if len(found) == len(chosen) else None

    def _keys(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """How many of the leading columns name a row: those before the first that is measured in any row (a count may
        stand above the seconds)."""
        measured = [
            index for index, head in enumerate(self.heads) if any(isinstance(row.get(head), float) for row in rows)
        ]
        return max(1, measured[0]) if measured else len(self.heads)


def tables(text: str) -> list[Table]:
    """Every table behind a command. Raises ValueError for one below a heading "Measured" without one."""
    lines = text.splitlines()
    found: list[Table] = []
    name: str | None = None
    for number, line in enumerate(lines):
        for match in _COMMAND.finditer(line):
            name = match[1] or ""
        if line.startswith("|") and not lines[number - 1].startswith("|"):
            if name is None:
                if any(map(_HEADING.match, lines[:number])):
                    raise ValueError(f"line {number + 1} begins a table that names no command")
                continue
            end = next(i for i in range(number, len(lines) + 1) if i == len(lines) or not lines[i].startswith("|"))
            rows = tuple(_cells(row) for row in lines[number + 2 : end])
            found.append(Table(number, _cells(line), rows, name))
            name = None
    return found


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def _find(mine: Sequence[str], lines: Sequence[str], keys: int) -> str | None:
    """The line of the same row: equal in its leading `keys` cells, or but for numbers in them."""
    for same in (tuple, _without_numbers):
        found = [line for line in lines if same(_cells(line)[:keys]) == same(mine[:keys])]
        if len(found) == 1:
            return found[0]
    return None


def _without_numbers(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(_NUMBER.sub("#", cell) for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the figures of out/perf into the README")
    write = parser.parse_args().write
    differing = sum(_hold(page, write=write) for page in PAGES)
    if differing:
        raise SystemExit(f"{differing} tables do not come from what was measured here.")
    print("Every table comes from what was measured here.")


def _hold(page: Path, *, write: bool) -> int:
    """How many tables of the page do not come from out/perf; `write`: put the figures into those that do."""
    text = page.read_text()
    lines, differing = text.splitlines(), 0
    for each in reversed(tables(text)):
        if not each.name:
            continue
        file = OUT / f"{each.name}.json"
        rendered = each.rendered(json.loads(file.read_text())["rows"]) if file.exists() else None
        if rendered is None:
            what = f"has rows or columns that {file} has not" if file.exists() else f"has no {file}"
            print(f"{page}, line {each.first + 1}: the table of perf.{each.name} {what}.")
            differing += 1
        elif write:
            lines[each.first : each.first + 2 + len(each.rows)] = rendered
    if write:
        page.write_text("\n".join(lines) + "\n")
    return differing


if __name__ == "__main__":
    main()
