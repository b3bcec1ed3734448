"""What a batch looks like: bars and a summary for people, one JSON object a line for programs."""

import json
from collections import Counter
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from darkroom_client.cli.batch import Outcome
from darkroom_client.cli.plan import Item
from darkroom_client.jobs import JobState

# A bar that flashes by tells nothing.
_SHOW_JOB_AFTER_UNITS = 2


class Bars:
    """A bar for the batch and one for each long job, on stderr; failures above them as they happen."""

    def __init__(self, total: int, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._all = self._progress.add_task("pictures", total=total)
        self._of: dict[Item, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, item: Item) -> None:
        pass

    def progress(self, item: Item, state: JobState) -> None:
        if state.units_total is None or state.units_total < _SHOW_JOB_AFTER_UNITS:
            return
        if item not in self._of:
            self._of[item] = self._progress.add_task(f"  {item.source.name}", total=state.units_total)
        self._progress.update(self._of[item], completed=state.units_done, total=state.units_total)

    def end(self, outcome: Outcome) -> None:
        if (bar := self._of.pop(outcome.item, None)) is not None:
            self._progress.remove_task(bar)
        self._progress.advance(self._all)
        if outcome.status == "failed":
            self._console.print(failure_line(outcome), soft_wrap=True)


class JsonLines:
    """One object for each picture on stdout, as it is done."""

    def begin(self, item: Item) -> None:
        pass

    def progress(self, item: Item, state: JobState) -> None:
        pass

    def end(self, outcome: Outcome) -> None:
        print(json.dumps(as_json(outcome)), flush=True)


class Silent:
    """Nothing while it runs; failures are listed at the end."""

    def begin(self, item: Item) -> None:
        pass

    def progress(self, item: Item, state: JobState) -> None:
        pass

    def end(self, outcome: Outcome) -> None:
        pass


def as_json(outcome: Outcome) -> dict[str, Any]:
    """What --json prints for a picture."""
    return {
        "source": str(outcome.item.source),
        "output": str(outcome.item.output),
        "status": outcome.status,
        "seconds": round(outcome.seconds, 3),
        "error": outcome.error,
        "report": None if outcome.report is None else dict(outcome.report.raw),
    }


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    """Pictures by what became of them; every kind is named, also with 0."""
    counter = Counter(outcome.status for outcome in outcomes)
    return {status: counter[status] for status in ("done", "skipped", "failed", "untried")}


def failure_line(outcome: Outcome) -> Text:
    """The file and what was wrong with it; Text, as a file may be called [red]."""
    return Text.assemble((str(outcome.item.source), "bold"), ": ", (str(outcome.error), "red"))


def done_line(outcome: Outcome) -> Text:
    """What to say about one picture that worked."""
    report = outcome.report
    notes = [f"{outcome.seconds:.1f} s"]
    if report is not None:
        if report.faces is not None:
            notes.append(f"{len(report.faces)} face{'' if len(report.faces) == 1 else 's'}")
        if report.frames is not None and report.frames > 1:
            notes.append(f"frame {report.frame} of {report.frames}")
        if report.truncated:
            notes.append("the file ended early: what is missing is grey")
        if report.bits == 16:
            notes.append("16 bits")
        if report.network:
            notes.append(report.network)
        if report.weights and "random" in report.weights:
            notes.append(f"weights: {report.weights}")
        if report.simulated:
            notes.append("simulated device: the picture means nothing")
    return Text.assemble((str(outcome.item.output), "bold"), f" ({', '.join(notes)})")


def summary(outcomes: list[Outcome], seconds: float, total: int) -> list[Text]:
    """The last lines of a batch of several files: counts, then every failure again."""
    by_status = counts(outcomes)
    words = [f"{by_status['done']} done"]
    words += [f"{by_status[status]} {status}" for status in ("skipped", "failed", "untried") if by_status[status]]
    if len(outcomes) < total:
        words.append(f"{total - len(outcomes)} not finished")
    rate = f", {by_status['done'] / seconds:.2f} a second" if by_status["done"] > 1 else ""
    lines = [Text(f"{', '.join(words)} of {total} in {seconds:.1f} s{rate}.")]
    return lines + [failure_line(outcome) for outcome in outcomes if outcome.status == "failed"]
