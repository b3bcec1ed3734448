"""What every command takes: where the server is, and how to reach it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from darkroom_client import address, errors
from darkroom_client.cli import exits
from darkroom_client.client import AsyncDarkroom, Darkroom
from darkroom_client.retry import Retry
from darkroom_client.tls import Tls

out = Console()
err = Console(stderr=True)

SERVER = "Server"
Url = Annotated[
    str, typer.Option(envvar="DARKROOM_URL", help="host:port, grpc(s)://… or http(s)://…", rich_help_panel=SERVER)
]
Header = Annotated[
    list[str] | None,
    typer.Option(help="Header for every request, like 'authorization: Bearer …'.", rich_help_panel=SERVER),
]
Ca = Annotated[Path | None, typer.Option(help="Certificates of the authorities to trust, PEM.", rich_help_panel=SERVER)]
AdminKeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="DARKROOM_ADMIN_KEY_FILE", help="File that holds the server's admin key.", rich_help_panel=SERVER
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

DEFAULT_URL = address.DEFAULT

# Single questions should say quickly that there is no server; batches bring their own patience.
_QUICK = Retry(tries=2)


def connect(
    url: str, header: list[str] | None = None, ca: Path | None = None, admin_key_file: Path | None = None
) -> Darkroom:
    """A client for one command. Raises DarkroomError."""
    return Darkroom(url, retry=_QUICK, **_how(url, header, ca, admin_key_file))


def connect_async(url: str, header: list[str] | None, ca: Path | None) -> AsyncDarkroom:
    """A client for a batch. Raises DarkroomError."""
    return AsyncDarkroom(url, **_how(url, header, ca, None))


def _how(url: str, header: list[str] | None, ca: Path | None, admin_key_file: Path | None) -> dict[str, Any]:
    return {
        "headers": dict(_header(text) for text in header or ()),
        "tls": Tls(ca=ca) if ca else None,
        "admin_key": _admin_key(admin_key_file),
    }


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise errors.BadOption(f"A header is written 'name: value', got {text!r}.")
    return name.strip(), value.strip()


def _admin_key(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("DARKROOM_ADMIN_KEY") or None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise errors.BadOption(f"The admin key file {str(file)!r} cannot be read: {error.strerror}.") from None


@contextmanager
def told() -> Iterator[None]:
    """Turn errors into one line on stderr and the exit code that they mean."""
    try:
        yield
    except errors.DarkroomError as error:
        err.print(f"darkroom: {error.message}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(exits.of(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(exits.Exit.INTERRUPTED) from None


def usage(sentence: str) -> typer.Exit:
    """The end of a command whose arguments cannot be meant; says why on stderr."""
    err.print(f"darkroom: {sentence}", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(exits.Exit.USAGE)
