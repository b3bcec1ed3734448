"""Running a plan: several files at once, one failure stopping nobody else."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from darkroom_client.cli import exits
from darkroom_client.cli.exits import Exit
from darkroom_client.cli.journal import Journal
from darkroom_client.cli.plan import Item, Plan
from darkroom_client.errors import DarkroomError, Unreachable
from darkroom_client.files import write_atomically
from darkroom_client.jobs import JobState
from darkroom_client.results import Report, Result

Process = Callable[[Item, Callable[[JobState], None]], Awaitable[Result]]
"""Sends one picture; calls back with the job's progress."""


@dataclass(frozen=True)
class Outcome:
    """What became of one picture."""

    item: Item
    status: str
    """done | skipped | failed | untried"""
    seconds: float = 0.0
    report: Report | None = None
    error: str | None = None
    code: Exit = Exit.DONE


class Display(Protocol):
    """What a batch tells while it runs."""

    def begin(self, item: Item) -> None: ...
    def progress(self, item: Item, state: JobState) -> None: ...
    def end(self, outcome: Outcome) -> None: ...


@dataclass
class Batch:
    """One plan with what it takes to run it. `outcomes` fills up while it runs, so that Ctrl-C leaves what was done."""

    plan: Plan
    process: Process
    display: Display
    journal: Journal | None
    options: str
    """Fingerprint of task and options."""
    jobs: int
    force: bool = False

    def __post_init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._server_gone = False

    @property
    def code(self) -> Exit:
        return exits.of_all([outcome.code for outcome in self.outcomes if outcome.status == "failed"])

    async def run(self) -> None:
        """Work through the plan. Cancelling this cancels every job in work."""
        todo = iter(self.plan.items)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.jobs, len(self.plan.items))):
                group.create_task(self._worker(todo))

    async def _worker(self, todo: Iterable[Item]) -> None:
        for item in todo:
            if self._server_gone:
                self._end(Outcome(item, "untried"))
            elif self._is_done(item):
                self._end(Outcome(item, "skipped"))
            else:
                self._end(await self._one(item))

    def _is_done(self, item: Item) -> bool:
        if self.force or self.journal is None:
            return False
        try:
            return self.journal.is_done(item, self.options)
        except OSError:
            return False  # the source is gone; trying it says so

    async def _one(self, item: Item) -> Outcome:
        self.display.begin(item)
        started = time.monotonic()
        try:
            result = await self.process(item, lambda state: self.display.progress(item, state))
            await asyncio.to_thread(self._keep, item, result)
        except (DarkroomError, OSError) as error:
            # The next files would meet the same silence, each after its own retries.
            self._server_gone = self._server_gone or isinstance(error, Unreachable)
            return Outcome(item, "failed", time.monotonic() - started, error=_words(error), code=exits.of(error))
        return Outcome(item, "done", time.monotonic() - started, result.report)

    def _keep(self, item: Item, result: Result) -> None:
        item.output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(item.output, result.bytes)
        if self.journal is not None:
            self.journal.record(item, self.options)

    def _end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.display.end(outcome)


def _words(error: DarkroomError | OSError) -> str:
    if isinstance(error, DarkroomError):
        longer = "" if error.deadline_s is None else f" Allow it with --deadline {error.deadline_s:g}."
        return error.message + longer
    return f"{error.filename or 'The result'} cannot be written: {error.strerror or error}."
