"""Arguments that all task commands share."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from darkroom_client.cli.common import DEFAULT_URL, Ca, Header, Json, Url
from darkroom_client.formats import OUTPUT_FORMATS, format_name

_OUTPUT = "Output"
_HOW = "How"


class MetadataName(StrEnum):
    """What becomes of EXIF, XMP and IPTC."""

    KEEP = "keep"
    NO_LOCATION = "no_location"
    STRIP = "strip"


class TruncatedName(StrEnum):
    """What becomes of a file that ends early."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class LaneName(StrEnum):
    """Who goes first."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


def _format(text: str) -> str:
    name = format_name(text)
    if name not in OUTPUT_FORMATS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(OUTPUT_FORMATS)} (or jpg, tif).")
    return name


Inputs = Annotated[list[str], typer.Argument(help="Files, folders and globs.", metavar="INPUT")]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="File for one picture, folder for several.", rich_help_panel=_OUTPUT),
]
OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        parser=_format,
        metavar="|".join(OUTPUT_FORMATS),
        help="Default: as the output or source is called.",
        rich_help_panel=_OUTPUT,
    ),
]
Quality = Annotated[int | None, typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF.", rich_help_panel=_OUTPUT)]
Metadata = Annotated[
    MetadataName | None,
    typer.Option(help="EXIF, XMP and IPTC of the results. Default: keep.", rich_help_panel=_OUTPUT),
]
Frame = Annotated[
    int | None,
    typer.Option(min=0, max=9999, help="Frame of an animation or page of a file, from 0.", rich_help_panel=_HOW),
]
Truncated = Annotated[
    TruncatedName | None,
    typer.Option(help="Process files that end early as far as they go. Default: refuse.", rich_help_panel=_HOW),
]
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
    metadata: Metadata = None
    frame: Frame = None
    truncated: Truncated = None
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
