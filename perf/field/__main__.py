"""Every kind of picture that users send, through a real server, judged: one command, one table.

    python -m perf.field                         all of it; ten minutes on two cores; wrong answers at once
    python -m perf.field --offline               in this process, without Triton and the gateway
    python -m perf.field --kinds png,tiff        some kinds
    python -m perf.field --cases interlaced      cases whose label holds a text
    python -m perf.field --device simulated      without the cases that need the networks
    python -m perf.field --save out/field        the files that were sent and the answers, for the eye

A case runs on a simulated device, whose answer equals its source, or on the CPU with the real networks. Exits with 1
where anything is wrong. To add a case, add a `Case` to a module of perf/field/kinds.
"""

import argparse
import collections
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import get_args

from perf.field.ask import REPOSITORY, Asker, InProcess, served
from perf.field.case import Case, Device
from perf.field.judge import Verdict, judge
from perf.field.kinds import KINDS, all_cases
from perf.harness import machine, table, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offline", action="store_true", help="in this process")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, help="model repository, with --offline")
    parser.add_argument("--kinds", default="", help="names of kinds, separated by commas")
    parser.add_argument("--cases", default="", help="a text that the label of a case holds")
    parser.add_argument("--device", choices=get_args(Device), help="one device only")
    parser.add_argument("--wrong", action="store_true", help="print wrong cases only")
    parser.add_argument("--save", type=Path, help="folder for inputs and answers")
    arguments = parser.parse_args()
    kinds = dict.fromkeys(filter(None, arguments.kinds.split(","))).keys()
    if not kinds <= KINDS.keys():
        parser.error(f"kinds are {', '.join(KINDS)}")
    made = [case for kind in kinds for case in KINDS[kind]()] if kinds else all_cases()
    chosen = [case for case in made if arguments.cases in case.label and arguments.device in (None, case.device)]
    if not chosen:
        parser.error("no such case")
    verdicts: list[Verdict] = []
    for device in get_args(Device):
        cases = [case for case in chosen if case.device == device]
        if cases:
            with _opened(device, arguments) as asker:
                verdicts += _run(cases, asker, arguments.save)
    rows = [verdict.row() for verdict in verdicts]
    write("field", rows)
    print(table([row for row, verdict in zip(rows, verdicts, strict=True) if not (arguments.wrong and verdict.right)]))
    wrong = [verdict for verdict in verdicts if not verdict.right]
    print("\n" + _summary(verdicts))
    print(f"{machine()['cpu']}, {machine()['date']}")
    sys.exit(bool(wrong))


def _opened(device: Device, arguments: argparse.Namespace) -> AbstractContextManager[Asker]:
    return InProcess(device, arguments.repository) if arguments.offline else served(device)


def _run(cases: Sequence[Case], asker: Asker, save: Path | None) -> list[Verdict]:
    verdicts = []
    for case in cases:
        found = judge(case, asker)
        verdicts += found
        for verdict in found:
            if not verdict.right:
                print(f"{case.label}, {verdict.way.label}: {verdict.figure}", flush=True, file=sys.stderr)
        if save is not None:
            _save(case, found, save)
    return verdicts


def _save(case: Case, verdicts: Sequence[Verdict], folder: Path) -> None:
    place = folder / case.kind
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{case.name}.in").write_bytes(case.file())
    for number, verdict in enumerate(verdicts):
        if verdict.outcome.image:
            ending = verdict.outcome.view.format.lower()
            name = f"{case.name}.{number}.{verdict.way.task}.{ending}"
            (place / name).write_bytes(verdict.outcome.image)


def _summary(verdicts: Sequence[Verdict]) -> str:
    right = collections.Counter(verdict.case.kind for verdict in verdicts if verdict.right)
    total = collections.Counter(verdict.case.kind for verdict in verdicts)
    lines = [f"{kind}: {right[kind]} of {count} right" for kind, count in total.items()]
    return "\n".join([*lines, f"all: {sum(right.values())} of {len(verdicts)} right"])


if __name__ == "__main__":
    main()
