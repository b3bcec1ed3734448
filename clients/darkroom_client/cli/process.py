"""From a task command's arguments to a finished batch."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import typer

from darkroom_client.cli import display
from darkroom_client.cli.batch import Batch
from darkroom_client.cli.common import connect_async, err, out, told, usage
from darkroom_client.cli.exits import Exit
from darkroom_client.cli.journal import Journal, fingerprint
from darkroom_client.cli.plan import Item, Plan, PlanError, plan
from darkroom_client.cli.task_arguments import Common
from darkroom_client.client import AsyncDarkroom
from darkroom_client.jobs import JobState
from darkroom_client.results import Result
from darkroom_client.retry import Retry

# A batch may wait long for a busy server, its deadline is the limit. A server that is gone is given half a minute: long
# enough for a restart.
_PATIENT = Retry(tries=8, first_s=0.5, busy_tries=1_000_000)


def process(task: str, inputs: list[str], common: Common, options: Mapping[str, Any]) -> None:
    """Plan, run, show, and leave with the exit code."""
    try:
        planned = plan(inputs, common.output, task=task, output_format=common.format)
    except PlanError as error:
        raise usage(str(error)) from None
    chosen = {name: value for name, value in options.items() if value is not None}
    shared = {
        "output_quality": common.quality,
        "metadata": common.metadata,
        "frame": common.frame,
        "truncated": common.truncated,
        "model_version": common.model_version,
    }
    chosen |= {name: value for name, value in shared.items() if value is not None}
    with told():
        code = _Run(task, planned, common, chosen).go()
    raise typer.Exit(code)


@dataclass
class _Run:
    task: str
    plan: Plan
    common: Common
    options: dict[str, Any]

    def go(self) -> Exit:
        total = len(self.plan.items)
        shown = self._display(total)
        batch = Batch(
            plan=self.plan,
            process=self._no_server,
            display=shown,
            journal=None if self.plan.root is None else Journal(self.plan.root),
            options=fingerprint(self.task, self.options),
            jobs=self.common.jobs,
            force=self.common.force,
        )
        started = time.monotonic()
        interrupted = False
        with shown if isinstance(shown, display.Bars) else nullcontext():
            try:
                asyncio.run(self._serve(batch))
            except* KeyboardInterrupt:
                interrupted = True
            except* BrokenPipeError:
                # Whoever read our lines has gone, like `head`: the rest is not wanted, and Python's own flush on exit
                # must not meet the broken pipe again.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                interrupted = True
        self._conclude(batch, time.monotonic() - started, interrupted)
        return Exit.INTERRUPTED if interrupted else batch.code

    async def _serve(self, batch: Batch) -> None:
        async with connect_async(self.common.url, self.common.header, self.common.ca) as darkroom:
            # No patience here: a wrong address should be told at once, not after the retries of a batch.
            await darkroom.ready()
            batch.process = self._with(darkroom)
            await batch.run()

    def _with(self, darkroom: AsyncDarkroom) -> Callable[[Item, Callable[[JobState], None]], Any]:
        follow = err.is_terminal and not self.common.json and not self.common.quiet
        lane = self.common.lane or ("interactive" if len(self.plan.items) == 1 else "bulk")

        async def send(item: Item, on_progress: Callable[[JobState], None]) -> Result:
            return await darkroom.run(
                self.task,
                item.source,
                **self.options,
                output_format=item.output_format,
                deadline_s=self.common.deadline,
                lane=lane,
                retry=_PATIENT,
                on_progress=on_progress if follow else None,
            )

        return send

    async def _no_server(self, item: Item, on_progress: Callable[[JobState], None]) -> Result:
        raise RuntimeError("the batch was started before it had a server")

    def _display(self, total: int) -> display.Bars | display.JsonLines | display.Silent:
        if self.common.json:
            return display.JsonLines()
        if self.common.quiet or not err.is_terminal:
            return display.Silent()
        return display.Bars(total, err)

    def _conclude(self, batch: Batch, seconds: float, interrupted: bool) -> None:
        total = len(self.plan.items)
        if self.common.json:
            counted = display.counts(batch.outcomes)
            print(json.dumps({"summary": {**counted, "total": total, "seconds": round(seconds, 3)}}))
            return
        if interrupted:
            err.print("Interrupted: the jobs in work were cancelled on the server.", style="yellow")
        failed = any(outcome.status == "failed" for outcome in batch.outcomes)
        if total == 1:
            for outcome in batch.outcomes:
                if outcome.status == "failed":
                    err.print(display.failure_line(outcome), soft_wrap=True)
                elif not self.common.quiet:
                    out.print(display.done_line(outcome), soft_wrap=True)
        elif failed or interrupted or not self.common.quiet:
            for line in display.summary(batch.outcomes, seconds, total):
                (err if failed or interrupted else out).print(line, soft_wrap=True)
