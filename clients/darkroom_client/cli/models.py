"""`darkroom models`: what is served of each model, and changing it."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from darkroom_client.cli.common import DEFAULT_URL, AdminKeyFile, Ca, Header, Json, Url, connect, out, told, usage
from darkroom_client.models import Change, ModelVersions, words
from darkroom_client.models_api import Models

app = typer.Typer(help="Update models on the live server: list, load, unload, roll back, pin. Needs the admin key.")

Model = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]
Version = Annotated[int, typer.Argument(min=1, help="The version's number.", show_default=False)]
Versions = Annotated[
    list[int] | None, typer.Argument(min=1, help="Serve exactly these. Default: the newest.", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="Also where the server's memory would not suffice.")]


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    url: Url = DEFAULT_URL,
    json_: Json = False,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Update models on the live server. Without a command: list versions, in the repository and served."""
    if context.invoked_subcommand is None:
        _list(url, json_, header, ca, admin_key_file)
        return
    sources = [context.get_parameter_source(name) for name in context.params]
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise usage(f"Options stand behind the command: darkroom models {context.invoked_subcommand} ... --url ...")


def _list(url: str, json_: bool, header: Header, ca: Ca, admin_key_file: AdminKeyFile) -> None:
    with told(), connect(url, header, ca, admin_key_file) as darkroom:
        overview = darkroom.models.overview()
    if json_:
        print(json.dumps([_as_json(model) for model in overview], indent=2))
        return
    table = Table("MODEL", "SERVED", "IN THE REPOSITORY", "STATE", "", box=None)
    for model in overview:
        state = Text(model.state, style="green" if model.state == "READY" else "red")
        pinned = " (pinned)" if model.pinned else ""
        notes = "; ".join(part for part in (model.note, model.reason) if part)
        served = Text(words(model.served) + pinned)
        table.add_row(Text(model.name), served, Text(words(model.published)), state, Text(notes))
    out.print(table)


@app.command()
def load(
    model: Model,
    versions: Versions = None,
    force: Force = False,
    url: Url = DEFAULT_URL,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Serve the newest version, which ends a pin; or the versions named, side by side."""
    _change(lambda of: of.load(model, *(versions or ()), force=force), url, header, ca, admin_key_file)


@app.command()
def unload(
    model: Model,
    url: Url = DEFAULT_URL,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Serve no version; jobs in work are finished."""
    _change(lambda of: of.unload(model), url, header, ca, admin_key_file)


@app.command()
def rollback(
    model: Model,
    force: Force = False,
    url: Url = DEFAULT_URL,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Pin the version before the one that is served."""
    _change(lambda of: of.rollback(model, force=force), url, header, ca, admin_key_file)


@app.command()
def pin(
    model: Model,
    version: Version,
    force: Force = False,
    url: Url = DEFAULT_URL,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Serve this version until unpin or load, whatever is published meanwhile."""
    _change(lambda of: of.pin(model, version, force=force), url, header, ca, admin_key_file)


@app.command()
def unpin(
    model: Model,
    force: Force = False,
    url: Url = DEFAULT_URL,
    header: Header = None,
    ca: Ca = None,
    admin_key_file: AdminKeyFile = None,
) -> None:
    """Serve the newest version again."""
    _change(lambda of: of.unpin(model, force=force), url, header, ca, admin_key_file)


def _change(what: Callable[[Models], Change], url: str, header: Header, ca: Ca, admin_key_file: AdminKeyFile) -> None:
    with told(), connect(url, header, ca, admin_key_file) as darkroom:
        change = what(darkroom.models)
    out.print(Text(change.sentence), soft_wrap=True)


def _as_json(model: ModelVersions) -> dict[str, object]:
    return asdict(model) | {"newer": model.newer}
