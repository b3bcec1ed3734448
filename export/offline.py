"""A version answering in this process: its networks, engine and codecs, without Triton."""

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from darkroom import codec
from darkroom.config import ConfigError
from darkroom.engine import Engine
from darkroom.engine.simulated import VARIABLE as SIMULATE
from darkroom.errors import DarkroomError
from darkroom.options import parse
from darkroom.pipelines.task import Task
from darkroom.server.distribution import has_gpu
from darkroom.service import Answer, Incoming, Service
from darkroom.version import ModelVersion
from demo.pictures import Picture, Pixels
from export.errors import ExportError
from export.reference import Reference

DEADLINE_S = 600.0
"""For one reference; a CPU takes seconds a face, and may be busy with serving meanwhile."""


@dataclass(frozen=True)
class Done:
    """What came back for a reference."""

    picture: Picture
    report: Mapping[str, Any]
    seconds: float = field(compare=False)
    """Request to answer."""

    @property
    def pixels(self) -> Pixels:
        """uint8 [h, w, 3] RGB."""
        return self.picture.pixels()


class Offline:
    """A version of a task, ready to answer within the `with` block."""

    def __init__(self, folder: Path, task: Task[Any], number: str) -> None:
        """Load and warm up the version. Raises ExportError where it cannot be loaded, or DARKROOM_SIMULATE is set: a
        simulated device's pictures mean nothing."""
        if os.environ.get(SIMULATE):
            raise ExportError(f"{SIMULATE} is set; what a version does can only be seen without it.")
        try:
            self.version = ModelVersion.load(folder, task.name, number, gpu=has_gpu())
        except (ConfigError, ValueError) as error:
            raise ExportError(str(error)) from None
        self._engine = Engine(self.version.config.engine)
        self._service = Service(task, self.version, self._engine)

    def __enter__(self) -> Self:
        try:
            self._service.warm_up()
        except Exception as error:  # whatever a network may raise
            raise ExportError(f"The networks cannot be run: {error}") from None
        self._engine.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.stop(grace_s=0.0)
        self.version.close()

    def ask(self, reference: Reference) -> Done:
        """Answer one reference. Raises DarkroomError as a caller would meet it."""
        answered = threading.Event()
        replies: list[tuple[Answer | None, DarkroomError | None]] = []

        def reply(answer: Answer | None, error: DarkroomError | None) -> None:
            replies.append((answer, error))
            answered.set()

        started = time.perf_counter()
        parameters = {"deadline_s": DEADLINE_S, **reference.options}
        self._service.submit(Incoming(reference.file, parameters), reply)
        answered.wait()
        seconds = time.perf_counter() - started
        ((answer, error),) = replies
        if answer is None:
            raise error or ExportError("The task answered nothing.")
        return Done(Picture("answer", answer.image), json.loads(answer.report), seconds)

    def size(self, reference: Reference) -> tuple[int, int]:
        """(width, height) in pixels of the picture that `reference` should bring. Raises DarkroomError."""
        task = self._service.task
        header = codec.read_header(reference.file, self.version.config.limits)
        estimate = task.estimate(self.version, header, parse(task.options, reference.options))
        return estimate.width, estimate.height
