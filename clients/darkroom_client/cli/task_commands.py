"""One command a task: nothing but its options."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from darkroom_client.cli.process import process
from darkroom_client.cli.task_arguments import Common, Network, task_command

Set = Annotated[
    list[str] | None, typer.Option("--set", help="An option of the task: name=value (JSON, or plain text).")
]


class DepthName(StrEnum):
    """Bits of a sample of the results."""

    SAME = "same"
    EIGHT = "8"
    SIXTEEN = "16"


class BackgroundName(StrEnum):
    """What becomes of the picture around the faces."""

    KEEP = "keep"
    RESTORE = "restore"


Depth = Annotated[
    DepthName | None,
    typer.Option("--depth", help="Bits of a sample. Default: the source's, where the format holds them."),
]


@task_command("super_resolution", process)
def super_resolution(
    scale: Annotated[int | None, typer.Option(help="2 or 4. Default: 4.")] = None,
    network: Network = None,
    depth: Depth = None,
) -> dict[str, Any]:
    """Enlarge pictures."""
    return {"scale": scale, "network": network, "output_depth": _number_or_text(depth)}


@task_command("denoise", process)
def denoise(
    strength: Annotated[str, typer.Option(help="auto, or the noise in grey levels, 0 to 75.")] = "auto",
    network: Network = None,
    depth: Depth = None,
) -> dict[str, Any]:
    """Take the noise out of pictures."""
    return {"strength": _number_or_text(strength), "network": network, "output_depth": _number_or_text(depth)}


@task_command("face_enhance", process)
def face_enhance(
    scale: Annotated[int | None, typer.Option(help="Enlarge the picture along: 1, 2 or 4.")] = None,
    background: Annotated[
        BackgroundName | None, typer.Option(help="Restore or keep what is around the faces. Default: restore.")
    ] = None,
    fidelity: Annotated[float | None, typer.Option(help="0 (all restored) to 1 (all original).")] = None,
    min_face: Annotated[int | None, typer.Option(help="Smallest face to look for, pixels.")] = None,
    max_faces: Annotated[int | None, typer.Option(help="Restore at most so many faces.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Least confidence in a face, 0 to 1.")] = None,
    network: Network = None,
) -> dict[str, Any]:
    """Find the faces of pictures and restore them."""
    return {
        "scale": scale,
        "background": background,
        "fidelity": fidelity,
        "min_face": min_face,
        "max_faces": max_faces,
        "threshold": threshold,
        "network": network,
    }


@task_command("image_to_image", process)
def image_to_image(
    prompt: Annotated[str, typer.Option(help="What to make of the picture.")],
    negative_prompt: Annotated[str | None, typer.Option(help="What to stay away from.")] = None,
    strength: Annotated[float | None, typer.Option(help="How far from the picture, 0 to 1.")] = None,
    steps: Annotated[int | None, typer.Option(help="Diffusion steps, 1 to 150.")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="How closely to follow the prompt, 0 to 30.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same picture.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="ddim, euler, dpmpp_2m or lcm.")] = None,
    size: Annotated[int | None, typer.Option(help="Side in pixels, one of the model's sizes.")] = None,
    init: Annotated[str | None, typer.Option(help="picture, or noise to paint from the prompt alone.")] = None,
) -> dict[str, Any]:
    """Change pictures under a prompt with Stable Diffusion."""
    return {
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "strength": strength,
        "steps": steps,
        "guidance_scale": guidance_scale,
        "seed": seed,
        "scheduler": scheduler,
        "size": size,
        "init": init,
    }


def run_custom(task: str, inputs: list[str], common: Common, options: dict[str, Any]) -> None:
    """The command `run`: the task is an argument."""
    process(options.pop("task"), inputs, common, options)


@task_command("", run_custom)
def run(
    task: Annotated[str, typer.Option(help="The task's name in the model repository.")],
    set_: Set = None,
) -> dict[str, Any]:
    """Any task of the server by name, your own included."""
    return {**set_options(set_), "task": task}


def set_options(pairs: list[str] | None) -> dict[str, Any]:
    """["scale=2", "name=x"] -> {"scale": 2, "name": "x"}. Raises typer.BadParameter."""
    options = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"--set is written name=value, got {pair!r}.")
        options[name.replace("-", "_")] = _number_or_text(value)
    return options


def _number_or_text(text: str | None) -> Any:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text
