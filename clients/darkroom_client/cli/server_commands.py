"""Commands about the server rather than about pictures."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from darkroom_client.cli.common import DEFAULT_URL, AdminKeyFile, Ca, Header, Json, Url, connect, out, told
from darkroom_client.cli.exits import Exit
from darkroom_client.cli.task_commands import Set, set_options


def ls(
    url: Url = DEFAULT_URL,
    json_: Json = False,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """List the models, their versions and states."""
    with told(), connect(url, header, ca, admin_key_file) as darkroom:
        models = darkroom.models()
    if json_:
        _print_json([asdict(model) for model in models])
        return
    table = Table("MODEL", "VERSION", "STATE", "", box=None)
    for model in models:
        table.add_row(Text(model.name), model.version, _colour(model.state == "READY", model.state), Text(model.reason))
    out.print(table)


def info(
    model: Annotated[str, typer.Argument(help="The model's name.")],
    version: Annotated[str, typer.Option(help="Default: the newest.")] = "",
    url: Url = DEFAULT_URL,
    json_: Json = False,
    header: Header = None,
    ca: Ca = None,
) -> None:
    """Show a model's inputs, outputs, batching and instances."""
    with told(), connect(url, header, ca) as darkroom:
        described = darkroom.model(model, version)
    if json_:
        _print_json(described)
        return
    table = Table(show_header=False, box=None)
    for name, value in _facts(described):
        table.add_row(Text(name, style="bold"), Text(value))
    out.print(table)


def _facts(described: dict[str, Any]) -> list[tuple[str, str]]:
    metadata, config = described["metadata"], described["config"]
    batching = config.get("dynamic_batching", {})
    queue = batching.get("default_queue_policy", {})
    timeout_s = float(queue.get("default_timeout_microseconds", 0)) / 1e6
    instances = [
        f"{group.get('count', 1)} x {str(group.get('kind', '')).removeprefix('KIND_')}"
        for group in config.get("instance_group", ())
    ]
    return [
        ("model", str(metadata.get("name", ""))),
        ("versions", ", ".join(metadata.get("versions", ()))),
        ("backend", str(config.get("backend", ""))),
        *[("input", _tensor(tensor)) for tensor in metadata.get("inputs", ())],
        *[("output", _tensor(tensor)) for tensor in metadata.get("outputs", ())],
        ("requests a call", str(config.get("max_batch_size", 0))),
        ("queue", f"{queue.get('max_queue_size', 'unbounded')} requests, {timeout_s:g} s"),
        ("priorities", str(batching.get("priority_levels", "none"))),
        ("instances", ", ".join(instances)),
    ]


def _tensor(tensor: dict[str, Any]) -> str:
    shape = ", ".join(str(side) for side in tensor.get("shape", ()))
    return f"{tensor.get('name')} {tensor.get('datatype')} [{shape}]"


def health(
    models: Annotated[list[str] | None, typer.Argument(help="Which models; default: all.")] = None,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds each may take.")] = 30.0,
    url: Url = DEFAULT_URL,
    json_: Json = False,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Send a small picture through each model. Exit code 1 when one does not answer."""
    with told(), connect(url, header, ca, admin_key_file) as darkroom:
        outcomes = darkroom.health(models or (), deadline_s=deadline)
    if json_:
        _print_json([asdict(outcome) for outcome in outcomes])
    else:
        table = Table("MODEL", "", "SECONDS", "", box=None)
        for outcome in outcomes:
            state = _colour(outcome.ok, "ok" if outcome.ok else "FAILED")
            table.add_row(Text(outcome.model), state, f"{outcome.seconds:.2f}", Text(outcome.error or ""))
        out.print(table)
    raise typer.Exit(Exit.DONE if outcomes and all(outcome.ok for outcome in outcomes) else Exit.FAILED)


def cancel(
    job_id: Annotated[str, typer.Argument(help="The job's id: the request id.")],
    url: Url = DEFAULT_URL,
    header: Header = None,
    ca: Ca = None,
) -> None:
    """Cancel a job. Exit code 1 when there is none of this id."""
    with told(), connect(url, header, ca) as darkroom:
        cancelled = darkroom.cancel(job_id)
    out.print("Cancelled." if cancelled else "No running or waiting job has this id.")
    raise typer.Exit(Exit.DONE if cancelled else Exit.FAILED)


def quote(
    task: Annotated[str, typer.Argument(help="The task, like super-resolution.")],
    file: Annotated[str, typer.Argument(help="The picture.")],
    set_: Set = None,
    url: Url = DEFAULT_URL,
    json_: Json = False,
    header: Header = None,
    ca: Ca = None,
) -> None:
    """Tell what a job would cost and when it would be done; does no work."""
    options = set_options(set_)
    with told(), connect(url, header, ca) as darkroom:
        told_quote = darkroom.quote(task.replace("-", "_"), file, **options)
    if json_:
        _print_json(dict(told_quote.raw))
        return
    units = f"{told_quote.units} unit{'' if told_quote.units == 1 else 's'}"
    out.print(f"{units}, {told_quote.work_s:.2f} s of work, done in {told_quote.done_in_s:.2f} s.", highlight=False)


def _colour(good: bool, words: str) -> Text:
    return Text(words, style="green" if good else "red")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
