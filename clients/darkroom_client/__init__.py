"""Darkroom's Python client.

    from darkroom_client import Darkroom

    with Darkroom("127.0.0.1:8001") as darkroom:
        result = darkroom.super_resolution("small.jpg", scale=4)
        result.save("large.jpg")
        print(result.report.infer_ms)

`AsyncDarkroom` is the same on an event loop. Errors are in `darkroom_client.errors`.
"""

from darkroom_client.client import AsyncDarkroom, Darkroom
from darkroom_client.errors import (
    BadImage,
    BadOption,
    Busy,
    Cancelled,
    DarkroomError,
    DeadlinePassed,
    LoadFailed,
    LostJob,
    NotAllowed,
    NotServed,
    ServerError,
    Unavailable,
    Unreachable,
)
from darkroom_client.images import ImageInput
from darkroom_client.inspection import Health, Model
from darkroom_client.jobs import Engine, JobState, Totals
from darkroom_client.models import Change, ModelVersions
from darkroom_client.results import Face, Quote, Report, Result
from darkroom_client.retry import Retry
from darkroom_client.tls import Tls

__version__ = "0.1.0"

__all__ = [
    "AsyncDarkroom",
    "BadImage",
    "BadOption",
    "Busy",
    "Cancelled",
    "Change",
    "Darkroom",
    "DarkroomError",
    "DeadlinePassed",
    "Engine",
    "Face",
    "Health",
    "ImageInput",
    "JobState",
    "LoadFailed",
    "LostJob",
    "Model",
    "ModelVersions",
    "NotAllowed",
    "NotServed",
    "Quote",
    "Report",
    "Result",
    "Retry",
    "ServerError",
    "Tls",
    "Totals",
    "Unavailable",
    "Unreachable",
]
