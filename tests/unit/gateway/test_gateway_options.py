"""The gateway's options are the server's, word for word, so that neither can change alone."""

from typing import Any

import pytest
from darkroom_gateway.tasks import TASKS, Task
from pydantic import BaseModel

from darkroom.diffusion.options import ImageToImageOptions
from darkroom.options import DenoiseOptions, Options, SuperResolutionOptions
from darkroom.pipelines.face_enhance_options import FaceEnhanceOptions

SERVERS: dict[str, type[Options]] = {
    "super_resolution": SuperResolutionOptions,
    "denoise": DenoiseOptions,
    "face_enhance": FaceEnhanceOptions,
    "image_to_image": ImageToImageOptions,
}
OURS = ("help", "choices", "page", "step", "title")


# What pydantic calls a bound depends on whether a validator of ours comes before it.
BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def plain(about: Any) -> Any:
    if isinstance(about, list):
        return [plain(one) for one in about]
    if isinstance(about, dict):
        return {BOUNDS.get(key, key): plain(value) for key, value in about.items() if key not in OURS}
    return about


def facts(kind: type[BaseModel]) -> dict[str, Any]:
    return {name: plain(about) for name, about in kind.model_json_schema()["properties"].items()}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_options_are_the_servers(task: Task) -> None:
    ours = facts(task.options)
    # which version answers is decided before any option is read
    assert ours.pop("model_version")
    assert ours == facts(SERVERS[task.name])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_option_has_help_and_every_example_is_valid(task: Task) -> None:
    for schema in task.options.model_json_schema()["properties"].values():
        assert schema["help"]
    for values in task.examples.values():
        task.options.model_validate(values)
