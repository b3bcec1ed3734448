"""The table of tasks: every route, its documentation and the page's form follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darkroom_gateway.options import (
    DenoiseOptions,
    FaceEnhanceOptions,
    ImageToImageOptions,
    Options,
    SuperResolutionOptions,
)


@dataclass(frozen=True)
class Task:
    """One model of the server, as a path of its own."""

    name: str
    """Of the model."""
    title: str
    summary: str
    options: type[Options]
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What for -> options."""

    @property
    def path(self) -> str:
        return f"/v1/{self.name.replace('_', '-')}"


TASKS = (
    Task(
        "super_resolution",
        "Super-resolution",
        "The picture with two or four times its width and height.",
        SuperResolutionOptions,
        {
            "Twice as large": {"scale": 2},
            "Four times, as AVIF": {"scale": 4, "output_format": "avif"},
            "A 16-bit scan, as TIFF": {"scale": 2, "output_format": "tiff", "output_depth": 16},
        },
    ),
    Task(
        "denoise",
        "Denoise",
        "The picture without its noise.",
        DenoiseOptions,
        {
            "Estimate the noise": {},
            "Strong noise, as PNG": {"strength": 50, "output_format": "png"},
            "Without the place where it was taken": {"metadata": "no_location"},
        },
    ),
    Task(
        "face_enhance",
        "Face enhancement",
        "The picture with its faces restored; the report tells where they are.",
        FaceEnhanceOptions,
        {
            "All faces": {},
            "Large faces, half restored": {"min_face": 100, "fidelity": 0.5},
            "Faces alone": {"background": "keep"},
        },
    ),
    Task(
        "image_to_image",
        "Image to image",
        "The picture changed under a prompt by Stable Diffusion.",
        ImageToImageOptions,
        {"A watercolour": {"prompt": "a watercolour painting", "strength": 0.6, "seed": 7}},
    ),
)

BY_NAME = {task.name: task for task in TASKS}
