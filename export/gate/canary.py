"""Does a real tritonserver serve it? A server of its own, with nothing but this version."""

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from darkroom.engine.simulated import VARIABLE as SIMULATE
from darkroom.errors import DarkroomError
from darkroom.server import Server, ServerError
from demo.pictures import Picture
from export.errors import ExportError
from export.gate.finding import Finding
from export.offline import DEADLINE_S, Offline
from export.reference import Reference
from export.release import Candidate

START_TIMEOUT_S = 300.0
"""Until the version is loaded and warmed up, seconds."""


@dataclass(frozen=True)
class Reply:
    """What the canary server answered."""

    picture: Picture
    report: Mapping[str, Any]
    ready_s: float
    answer_s: float


def check(candidate: Candidate) -> Finding:
    """Raises ExportError where the server does not become ready, refuses the request, or answers something else than a
    picture of the right size from this version."""
    references = candidate.recipe.references() if candidate.recipe.references else ()
    if not references:
        raise ExportError("The recipe has no references, so there is nothing to send.")
    reference = references[0]
    size = _wanted_size(candidate, reference)
    repository = _repository(candidate)
    try:
        reply = _exchange(repository, candidate.task.name, reference)
    finally:
        shutil.rmtree(repository)
    try:
        found = reply.picture.size
    except OSError:
        raise ExportError(f"The server answered {len(reply.picture.data)} bytes that are no picture.") from None
    if found != size:
        raise ExportError(f"The server answered {found[0]} x {found[1]} pixels, not {size[0]} x {size[1]}.")
    if reply.report.get("version") != candidate.number:
        raise ExportError(f"Version {reply.report.get('version')} answered, not {candidate.number}.")
    facts = {
        "sent": reference.recipe,
        "size": list(found),
        "ready_s": round(reply.ready_s, 2),
        "answer_s": round(reply.answer_s, 3),
        "report": dict(reply.report),
    }
    line = f"{found[0]} x {found[1]} pixels in {reply.answer_s:.2f} s from a server ready after {reply.ready_s:.1f} s"
    return Finding(line, facts)


def _wanted_size(candidate: Candidate, reference: Reference) -> tuple[int, int]:
    if reference.original is not None:
        height, width = reference.original.shape[:2]
        return width, height
    try:
        with Offline(candidate.folder, candidate.recipe.serves(), candidate.number) as version:
            return version.size(reference)
    except DarkroomError as error:
        raise ExportError(f"{reference.title} is refused: {error}") from None


def _repository(candidate: Candidate) -> Path:
    """A repository of hard links: the configuration and this one version."""
    repository = candidate.scratch / "repository"
    model = repository / candidate.task.name

    def link(source: str, target: str) -> None:
        os.link(source, target)

    for entry in sorted(candidate.task.iterdir()):
        if entry.is_file():
            model.mkdir(parents=True, exist_ok=True)
            link(str(entry), str(model / entry.name))
        elif not entry.name.isdecimal() and not entry.name.startswith("."):
            shutil.copytree(entry, model / entry.name, copy_function=link)
    shutil.copytree(candidate.folder, model / candidate.number, copy_function=link)
    return repository


def _exchange(repository: Path, task: str, reference: Reference) -> Reply:
    import tritonclient.grpc
    from tritonclient.utils import InferenceServerException

    started = time.perf_counter()
    try:
        server = Server(
            repository, models=[task], env={SIMULATE: ""}, exit_timeout_s=5, start_timeout_s=START_TIMEOUT_S
        )
        with server:
            ready_s = time.perf_counter() - started
            content = np.frombuffer(reference.file, np.uint8)[None]
            tensor = tritonclient.grpc.InferInput("image", content.shape, "UINT8")
            tensor.set_data_from_numpy(content)
            parameters = {"deadline_s": DEADLINE_S, **reference.options}
            client = tritonclient.grpc.InferenceServerClient(server.grpc_url)
            try:
                asked = time.perf_counter()
                result = client.infer(task, [tensor], parameters=parameters, client_timeout=DEADLINE_S)
                answer_s = time.perf_counter() - asked
            finally:
                client.close()
    except ServerError as error:
        raise ExportError(f"The server does not start with it: {error}") from None
    except InferenceServerException as error:
        raise ExportError(f"The server refused {reference.title}: {error.message()}") from None
    picture = Picture("canary", result.as_numpy("image").tobytes())
    return Reply(picture, json.loads(result.as_numpy("report").ravel()[0]), ready_s, answer_s)
