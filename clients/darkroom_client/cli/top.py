"""`darkroom top`: what the server is doing, live."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from darkroom_client.cli.common import DEFAULT_URL, AdminKeyFile, Ca, Header, Json, Url, connect, out, told
from darkroom_client.cli.dashboard.page import page
from darkroom_client.cli.dashboard.prometheus import Prometheus
from darkroom_client.client import Darkroom
from darkroom_client.errors import BadOption, NotAllowed, Unavailable
from darkroom_client.files import write_atomically
from darkroom_client.jobs import Engine, JobState, Totals

_BAR_CELLS = 16
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_ID_SHOWN = 12
# More would scroll away; the totals above count them all.
_JOBS_SHOWN = 30


def top(
    url: Url = DEFAULT_URL,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and leave.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the dashboard from Prometheus's data into a page.")
    ] = None,
    prometheus: Annotated[
        str, typer.Option(envvar="DARKROOM_PROMETHEUS", help="Prometheus's URL, for --html.")
    ] = "http://127.0.0.1:9090",
    minutes: Annotated[float, typer.Option(min=0.1, help="How far back --html looks.")] = 30.0,
    json_: Json = False,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Show engines, lines, batch fill and throughput, live; with the admin key, the jobs too."""
    if html is not None:
        _draw(html, prometheus, minutes)
        return
    with told(), connect(url, header, ca, admin_key_file) as darkroom:
        if json_:
            print(json.dumps(_as_json(*_look(darkroom))))
        elif once:
            out.print(screen(*_look(darkroom), url=darkroom.url))
        else:
            _live(darkroom, every)


def _draw(file: Path, prometheus: str, minutes: float) -> None:
    with told():
        content = page(Prometheus(prometheus), minutes).encode()
        try:
            write_atomically(file, content)
        except OSError as error:
            raise BadOption(f"{file} cannot be written: {error.strerror}.") from None


def _live(darkroom: Darkroom, every: float) -> None:
    with Live(screen(*_look(darkroom), url=darkroom.url), console=out, screen=True, auto_refresh=False) as live:
        while True:
            try:
                time.sleep(every)
                live.update(screen(*_look(darkroom), url=darkroom.url), refresh=True)
            except Unavailable as gone:
                # Whoever watches wants to see the server come back.
                live.update(Text(f"{gone.message} Trying again.", style="red"), refresh=True)
            except KeyboardInterrupt:
                return


def _look(darkroom: Darkroom) -> tuple[Totals, list[JobState] | None]:
    totals = darkroom.totals()
    try:
        return totals, darkroom.jobs()
    except (BadOption, NotAllowed):
        return totals, None


def screen(totals: Totals, jobs: list[JobState] | None, *, url: str) -> RenderableType:
    """One look as rich shows it. `jobs` is None without the admin key."""
    engines = Table(box=None, header_style="bold")
    for column in ("TASK", "VER"):
        engines.add_column(column, no_wrap=True)
    for column in ("UP", "WAITING", "RUNNING", "BACKLOG", "FILL", "BUSY", "UNITS/s", "MP/s"):
        engines.add_column(column, justify="right")
    for engine in totals.engines:
        engines.add_row(
            Text(engine.task),
            Text(engine.version),
            _up(engine),
            str(engine.jobs_waiting),
            str(engine.jobs_running),
            f"{engine.backlog_s:.1f} s",
            f"{engine.batch_fill:.0%}",
            f"{engine.device_busy:.0%}",
            f"{engine.units_per_s:.1f}",
            f"{engine.megapixels_per_s:.2f}",
        )
    waiting = sum(engine.jobs_waiting for engine in totals.engines if engine.alive)
    running = sum(engine.jobs_running for engine in totals.engines if engine.alive)
    head = Text(f"{url}  {running} running, {waiting} waiting", style="bold")
    if jobs is None:
        below: RenderableType = Text("The list of jobs needs the admin key (--admin-key-file).", style="dim")
    else:
        below = _jobs(jobs)
    return Group(head, Text(), engines, Text(), below)


def _up(engine: Engine) -> Text:
    """How long the process has been there; a dead one stays in the list until somebody sweeps it."""
    if not engine.alive:
        return Text("dead", style="red")
    if engine.up_s is None:
        return Text("")
    size, unit = next((size, unit) for size, unit in _SPANS if engine.up_s >= size or size == 1)
    return Text(f"{engine.up_s // size:.0f} {unit}")


def _jobs(jobs: list[JobState]) -> RenderableType:
    table = Table("JOB", "TASK", "LANE", "STATE", "UNITS", "", "LEFT", box=None, header_style="bold")
    for job in sorted(jobs, key=lambda job: (job.state != "running", job.eta_s or 0.0))[:_JOBS_SHOWN]:
        done = int((job.fraction or 0.0) * _BAR_CELLS)
        table.add_row(
            Text(job.id[:_ID_SHOWN]),
            Text(job.task or ""),
            job.lane or "",
            Text(job.state, style="green" if job.state == "running" else "yellow"),
            f"{job.units_done}/{'?' if job.units_total is None else job.units_total}",
            Text("━" * done, style="green") + Text("━" * (_BAR_CELLS - done), style="dim"),
            "" if job.eta_s is None else f"{job.eta_s:.1f} s",
        )
    if len(jobs) > _JOBS_SHOWN:
        return Group(table, Text(f"and {len(jobs) - _JOBS_SHOWN} more", style="dim"))
    return table


def _as_json(totals: Totals, jobs: list[JobState] | None) -> dict[str, object]:
    return {
        "engines": [dict(engine.raw) for engine in totals.engines],
        "retry_after_s": totals.retry_after_s,
        "jobs": None if jobs is None else [dict(job.raw) for job in jobs],
    }
