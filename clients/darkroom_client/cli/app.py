"""The command `darkroom`: which commands there are."""

import signal
from typing import Annotated

import typer

import darkroom_client
from darkroom_client.cli import models, server_commands, task_commands
from darkroom_client.cli.top import top

EPILOG = (
    "Exit codes: 0 done; 1 a file failed, or a model is not healthy; 2 the command or an option makes no sense; "
    "3 no server, or it cannot work now; 4 too busy, or the deadline passed; 130 interrupted, "
    "the jobs in work were cancelled."
)

app = typer.Typer(
    name="darkroom",
    help="Restore and edit pictures with a Darkroom server.",
    epilog=EPILOG,
    no_args_is_help=True,
    # Rich tracebacks print local variables, and with them keys and whole pictures.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PICTURES = "Pictures"
_SERVER = "Server"

app.command("super-resolution", rich_help_panel=_PICTURES)(task_commands.super_resolution)
app.command("denoise", rich_help_panel=_PICTURES)(task_commands.denoise)
app.command("face-enhance", rich_help_panel=_PICTURES)(task_commands.face_enhance)
app.command("image-to-image", rich_help_panel=_PICTURES)(task_commands.image_to_image)
app.command("run", rich_help_panel=_PICTURES)(task_commands.run)
app.command("quote", rich_help_panel=_PICTURES)(server_commands.quote)
app.command("ls", rich_help_panel=_SERVER)(server_commands.ls)
app.command("info", rich_help_panel=_SERVER)(server_commands.info)
app.command("health", rich_help_panel=_SERVER)(server_commands.health)
app.command("top", rich_help_panel=_SERVER)(top)
app.command("cancel", rich_help_panel=_SERVER)(server_commands.cancel)
app.add_typer(models.app, name="models", rich_help_panel=_SERVER)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(darkroom_client.__version__)
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the client's version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Restore and edit pictures with a Darkroom server."""


def main() -> None:
    """Entry point of the script `darkroom`."""
    # Whoever stops this program politely wants its jobs on the server to stop too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
