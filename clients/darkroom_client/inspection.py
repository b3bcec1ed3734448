"""Looking at the server: which models it has, what they are, and whether they really work."""

import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from darkroom_client import jobs
from darkroom_client.core import Core
from darkroom_client.errors import DarkroomError, NotAllowed
from darkroom_client.failures import translate
from darkroom_client.link import About, Question
from darkroom_client.retry import Retry
from darkroom_client.wire import Failure

TASKS = ("super_resolution", "denoise", "face_enhance", "image_to_image")
"""The tasks a Darkroom server comes with."""

# As little work as a task can be asked for and still run its networks.
_CANARY_OPTIONS: dict[str, dict[str, Any]] = {
    "super_resolution": {"scale": 2},
    "denoise": {"strength": 10},
    "image_to_image": {"prompt": "a photograph", "steps": 2, "strength": 0.5},
}
_CANARY_SIDE = 64


@dataclass(frozen=True)
class Model:
    """One version of a model in the repository."""

    name: str
    version: str
    state: str
    """READY | UNAVAILABLE | LOADING | UNLOADING"""
    reason: str = ""
    """Why it is not ready, where the server says so."""


@dataclass(frozen=True)
class Health:
    """The outcome of one canary: a small picture sent through a model."""

    model: str
    ok: bool
    seconds: float
    """From sending to the answer."""
    error: str | None = None


async def models(core: Core) -> list[Model]:
    """All models. The repository's index needs the admin key; without it, the ready ones that can be found by name."""
    try:
        index = await ask(core, "index", admin=True)
    except NotAllowed:
        return await _found_by_name(core)
    return [
        Model(entry["name"], entry.get("version", ""), entry.get("state", "UNAVAILABLE"), entry.get("reason", ""))
        for entry in index
    ]


async def _found_by_name(core: Core) -> list[Model]:
    names = list(TASKS)
    with contextlib.suppress(DarkroomError):
        names += [engine.task for engine in (await core.engines.totals()).engines]
    found = []
    for name in dict.fromkeys([*names, jobs.MODEL]):
        try:
            metadata = await ask(core, "model", name)
        except DarkroomError:
            continue
        found += [Model(name, version, "READY") for version in metadata.get("versions", [])]
    return found


async def describe(core: Core, model: str, version: str = "") -> dict[str, Any]:
    """`metadata` (inputs and outputs) and `config` (batching, queue, instances) of a model, as Triton tells them."""
    return {
        "metadata": await ask(core, "model", model, version),
        "config": await ask(core, "model_config", model, version),
    }


async def ready(core: Core) -> bool:
    """Triton's own word, which says nothing about a model whose process died: see `health`."""
    return bool(await ask(core, "server_ready"))


async def health(core: Core, names: Iterable[str] = (), deadline_s: float = 30.0) -> list[Health]:
    """Send a canary through each model: a server can say "ready" for a model whose process is dead.

    `names`: which models; by default all tasks that are served, and `jobs`. Raises where the server does not answer.
    """
    await ready(core)
    # A model without a version lies in the repository, but nobody asked the server to load it.
    chosen = list(names) or list(dict.fromkeys(model.name for model in await models(core) if model.version))
    return [await _canary(core, name, deadline_s) for name in chosen]


async def _canary(core: Core, name: str, deadline_s: float) -> Health:
    started = core.link.now()
    error = None
    try:
        if name == jobs.MODEL:
            await core.engines.totals()
        else:
            options = _CANARY_OPTIONS.get(name, {})
            await core.run(name, _picture(), {**options, "deadline_s": deadline_s, "retry": Retry.OFF})
    except DarkroomError as wrong:
        error = wrong.message
    return Health(name, error is None, core.link.now() - started, error)


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((_CANARY_SIDE, _CANARY_SIDE)).convert("RGB").save(buffer, "png")
    return buffer.getvalue()


async def ask(core: Core, about: About, model: str = "", version: str = "", *, admin: bool = False) -> Any:
    """One question to Triton itself. Raises DarkroomError."""
    headers = {**core.headers, **(core.admin_headers if admin else {})}
    try:
        return await core.link.ask(Question(about, model, version, headers))
    except Failure as failure:
        raise translate(failure, core.link.address) from None
