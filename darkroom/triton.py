"""The adapter to Triton's Python backend: the only file that knows pb_utils.

A model.py is this, and nothing else::

    from darkroom.pipelines.denoise import TASK
    from darkroom.triton import TaskModel

    class TritonPythonModel(TaskModel):
        task = TASK
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import triton_python_backend_utils as pb_utils

from darkroom.board import BoardReader
from darkroom.board.writer import Board
from darkroom.config import ConfigError
from darkroom.engine import Engine
from darkroom.engine.lock import DeviceLock
from darkroom.errors import (
    BadImageError,
    BadOptionError,
    CancelledError,
    DarkroomError,
    InternalError,
    NotAllowedError,
    UnavailableError,
)
from darkroom.jobs import Jobs
from darkroom.memory import Trim
from darkroom.metrics import Family, Metric, Publisher
from darkroom.orphan import end_with_parent
from darkroom.pipelines.task import Task
from darkroom.runtime import POISONED_EXIT, runtime_dir
from darkroom.service import Answer, Incoming, Service
from darkroom.version import ModelVersion

log = logging.getLogger("darkroom")

SMALL_ANSWER = 256 * 2**10
"""Bytes of an answer that fits into the smallest pool of shared memory (1 MiB) without its growing."""
UNLOAD_GRACE_S = 25.0
"""How long an unload or a stop waits for running jobs before it answers them UNAVAILABLE."""


class TaskModel:
    """Base of every task's TritonPythonModel."""

    task: ClassVar[Task[Any]]

    def initialize(self, args: dict[str, str]) -> None:
        """Triton's first call: load the version, warm it up, start its engine."""
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
        # the engine's threads share the interpreter with Triton's: hand it over often, or refusals wait for codecs
        sys.setswitchinterval(0.0005)
        end_with_parent()
        gpu = args["model_instance_kind"] == "GPU"
        path = Path(args["model_repository"]) / args["model_version"]
        try:
            version = ModelVersion.load(path, self.task.name, args["model_version"], gpu=gpu)
        except (ConfigError, ValueError) as error:
            raise pb_utils.TritonModelException(str(error)) from None
        folder = runtime_dir()
        shared = not gpu or version.simulated
        board = Board(folder, self.task.name, args["model_version"])
        metrics = Publisher(_Registry(), self.task.name, args["model_version"])
        engine = Engine(
            version.config.engine,
            lock=DeviceLock(folder) if shared else None,
            claim=board.claim,
            release=board.release,
            on_tick=(board.publish, metrics.publish, Trim(version.release_memory).look),
            on_poisoned=self._end_process,
        )
        self.service = Service(self.task, version, engine)
        self.service.warm_up()
        self._board = board
        engine.start()
        if version.simulated:
            log.warning("%s runs on a SIMULATED device: %s", self.task.name, os.environ["DARKROOM_SIMULATE"])

    def execute(self, requests: Sequence[Any]) -> None:
        """Take requests in; answers leave later, through each request's response sender."""
        for request in requests:
            caller = _Caller(request.get_response_sender())
            try:
                self.service.submit(_incoming(request, caller), caller.reply)
            except DarkroomError as error:
                self.service.refuse(error, caller.reply)
            except Exception:
                log.exception("a request could not be taken in")
                caller.reply(None, InternalError("The request could not be taken in; the log has more."))

    def finalize(self) -> None:
        """Triton's last call: answer what is running, then go."""
        self.service.engine.stop(UNLOAD_GRACE_S)
        self._board.close()
        self.service.version.close()

    def _end_process(self) -> None:
        """The device is lost to this process, and its jobs have been answered: say so on the board, and go. Triton
        does not bring it back; whoever supervises loads the model anew."""
        try:
            self._board.publish_at_once(self.service.engine)
        finally:
            os._exit(POISONED_EXIT)


class _Registry:
    """Triton's metrics endpoint."""

    def __init__(self) -> None:
        self._families: dict[str, Any] = {}

    def __call__(self, family: Family, labels: dict[str, str]) -> Metric:
        if family.name not in self._families:
            kind = pb_utils.MetricFamily.COUNTER if family.counter else pb_utils.MetricFamily.GAUGE
            self._families[family.name] = pb_utils.MetricFamily(name=family.name, description=family.help, kind=kind)
        metric: Metric = self._families[family.name].Metric(labels=labels)
        return metric


class JobsModel:
    """The `jobs` model: see darkroom.jobs."""

    def initialize(self, args: dict[str, str]) -> None:
        end_with_parent()
        self._jobs = Jobs(BoardReader(runtime_dir()), Path(args["model_repository"]))

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            query = pb_utils.get_input_tensor_by_name(request, "query").as_numpy().ravel()[0]
            answer = self._jobs.answer(query.decode("utf-8", "replace"), _parameters(request))
        except DarkroomError as error:
            return pb_utils.InferenceResponse([], triton_error(error))
        except Exception:
            log.exception("a query could not be answered")
            return pb_utils.InferenceResponse([], triton_error(InternalError("The query could not be answered.")))
        return pb_utils.InferenceResponse([pb_utils.Tensor("answer", np.array([answer.encode()], dtype=np.object_))])


def _parameters(request: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = json.loads(_text(request.parameters, "Options and their headers") or "{}")
    return parameters


def _text(read: Callable[[], str], what: str) -> str:
    """What Triton took as bytes and hands over as text."""
    try:
        return read()
    except UnicodeDecodeError:
        raise BadOptionError(f"{what} must be UTF-8 text.") from None


def _incoming(request: Any, caller: "_Caller") -> Incoming:
    """Raises BadImageError or BadOptionError for what Triton lets pass and no task can take."""
    image = pb_utils.get_input_tensor_by_name(request, "image").as_numpy()
    if len(image) != 1:
        raise BadImageError(f"A request holds one image, got a batch of {len(image)}; send a request for each.")
    return Incoming(
        data=image.tobytes(),  # the only copy: Triton takes its memory back as soon as execute() has returned
        parameters=_parameters(request),
        id=_text(request.request_id, "The id of a request") or "",
        timeout_s=request.timeout() / 1e6,
        is_cancelled=caller.has_gone,
    )


class _Caller:
    """Who waits for one answer. Safe from any thread."""

    def __init__(self, sender: Any) -> None:
        self._sender = sender
        # Triton frees the sender's other half with the final response: asking it afterwards kills tritonserver
        self._lock = threading.Lock()

    def has_gone(self) -> bool:
        """Whether the caller cancelled (gRPC) and still waits for our answer. A call to another process."""
        with self._lock:
            return self._sender is not None and bool(self._sender.is_cancelled())

    def reply(self, answer: Answer | None, error: DarkroomError | None) -> None:
        """Send the one answer."""
        if answer is not None and len(answer.image) > _shared_memory_left():
            # an answer that fails on its way cannot be replaced by an error: its caller would wait for ever
            log.error("an answer of %d bytes does not fit into /dev/shm", len(answer.image))
            answer, error = None, UnavailableError("The server has no shared memory left for the answer.", 5.0)
        response = _response(answer, error)
        with self._lock:
            sender, self._sender = self._sender, None
            if sender is None:
                raise RuntimeError("a request was answered twice")
            sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _shared_memory_left() -> int:
    """Bytes by which the pool that Triton passes answers through can still grow, and what small answers find in it."""
    file_system = os.statvfs("/dev/shm")
    return max(SMALL_ANSWER, file_system.f_bavail * file_system.f_frsize)


def _response(answer: Answer | None, error: DarkroomError | None) -> Any:
    if answer is None:
        return pb_utils.InferenceResponse([], triton_error(error or InternalError("No answer was made.")))
    outputs = [
        pb_utils.Tensor("image", np.frombuffer(answer.image, np.uint8).reshape(1, -1)),
        pb_utils.Tensor("report", np.array([[answer.report.encode()]], dtype=np.object_)),
    ]
    return pb_utils.InferenceResponse(outputs)


def triton_error(error: DarkroomError) -> Any:
    """The same error with Triton's status code."""
    code = pb_utils.TritonError.UNAVAILABLE
    if isinstance(error, BadImageError | BadOptionError | NotAllowedError):
        code = pb_utils.TritonError.INVALID_ARG
    elif isinstance(error, CancelledError):
        code = pb_utils.TritonError.CANCELLED
    elif isinstance(error, InternalError):
        code = pb_utils.TritonError.INTERNAL
    return pb_utils.TritonError(error.wire_message(), code)
