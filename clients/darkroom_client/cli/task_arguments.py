"""Arguments that all task commands share."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from darkroom_client.cli.common import DEFAULT_URL, Ca, Header, Json, Url

_OUTPUT = "Output"
_HOW = "How"


class Format(StrEnum):
    """What results are encoded as."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class LaneName(StrEnum):
    """Who goes first."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


Inputs = Annotated[list[str], typer.Argument(help="Files, folders and globs.", metavar="INPUT")]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="File for one picture, folder for several.", rich_help_panel=_OUTPUT),
]
OutputFormat = Annotated[
    Format | None, typer.Option("--format", help="Default: as the output or source is called.", rich_help_panel=_OUTPUT)
]
Quality = Annotated[int | None, typer.Option(min=1, max=100, help="Of JPEG and WebP.", rich_help_panel=_OUTPUT)]
JobsAtOnce = Annotated[
    int, typer.Option("--jobs", "-j", min=1, max=256, help="Pictures in work at once.", rich_help_panel=_HOW)
]
Force = Annotated[bool, typer.Option("--force", help="Make pictures again that are done.", rich_help_panel=_HOW)]
Deadline = Annotated[
    float, typer.Option(min=0.1, help="Seconds a picture may take, waiting included.", rich_help_panel=_HOW)
]
LaneOption = Annotated[
    LaneName | None,
    typer.Option(help="Default: interactive for one picture, bulk for several.", rich_help_panel=_HOW),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No bars, no summary.", rich_help_panel=_OUTPUT)]
ModelVersion = Annotated[str | None, typer.Option(help="Default: the newest.", rich_help_panel=_HOW)]
Network = Annotated[str | None, typer.Option(help="Default: the version's own choice.")]


@dataclass(frozen=True)
class Common:
    """The shared arguments of one run; their annotations and defaults are what typer shows."""

    output: Output = None
    format: OutputFormat = None
    quality: Quality = None
    jobs: JobsAtOnce = 4
    force: Force = False
    deadline: Deadline = 600.0
    lane: LaneOption = None
    model_version: ModelVersion = None
    quiet: Quiet = False
    json: Json = False
    url: Url = DEFAULT_URL
    header: Header = None
    ca: Ca = None


def task_command(task: str, run: Callable[[str, list[str], Common, dict[str, Any]], None]) -> Callable[..., Any]:
    """Make a command of a function that only names a task's own options and returns them as they travel.

    typer reads signatures, so the command gets one: the inputs, the task's options, then the shared arguments.
    """

    def decorate(own: Callable[..., dict[str, Any]]) -> Callable[..., None]:
        own_names = tuple(inspect.signature(own).parameters)

        @functools.wraps(own)
        def command(**given: Any) -> None:
            inputs = given.pop("inputs")
            options = own(**{name: given.pop(name) for name in own_names})
            run(task, inputs, Common(**given), options)

        parameters = [
            inspect.Parameter("inputs", inspect.Parameter.KEYWORD_ONLY, annotation=Inputs),
            *_keywords(own),
            *_keywords(Common),
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        # functools.wraps leaves a pointer to the original, whose signature inspect would prefer.
        del command.__wrapped__
        return command

    return decorate


def _keywords(source: Callable[..., Any]) -> list[inspect.Parameter]:
    return [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(source).parameters.values()
    ]
