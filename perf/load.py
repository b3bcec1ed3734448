"""Load on loopback: requests with a time to start, each followed to its end. Bounded in count by its schedule."""

import asyncio
import io
import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
import skimage.data
import tritonclient.grpc as sync_grpc
import tritonclient.grpc.aio as grpc
from tritonclient.utils import InferenceServerException


@dataclass(frozen=True)
class Shot:
    """One request of a schedule."""

    at_s: float
    """Seconds after the start; a closed loop ignores it."""
    data: bytes
    task: str = "super_resolution"
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    """A label for the table."""
    id: str = ""


@dataclass
class Outcome:
    """What became of a shot. `seconds` from sending to the answer; `late_s`: how late it was sent."""

    shot: Shot
    seconds: float
    started_s: float
    late_s: float = 0.0
    report: dict[str, Any] = field(default_factory=dict)
    bytes_out: int = 0
    error: str = ""
    reason: str = "ok"


def photo(width: int, height: int, seed: int = 0, format: str = "JPEG") -> bytes:  # noqa: A002
    """A crop of a real photo (skimage's astronaut, resized), as an encoded file."""
    return _photo(width, height, seed, format)


@lru_cache(maxsize=256)
def _photo(width: int, height: int, seed: int, kind: str) -> bytes:
    base = PIL.Image.fromarray(skimage.data.astronaut())
    angle = (seed * 37) % 60 - 30
    picture = base.rotate(angle, PIL.Image.Resampling.BICUBIC).crop((80, 80, 432, 432))
    buffer = io.BytesIO()
    options = {"quality": 90} if kind == "JPEG" else {}
    picture.resize((width, height), PIL.Image.Resampling.BICUBIC).save(buffer, kind, **options)
    return buffer.getvalue()


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Arrival times of a Poisson process, in seconds."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1 / rate, int(rate * seconds * 2) + 20)
    times = np.cumsum(gaps)
    return [float(t) for t in times[times < seconds]]


def bursts(rate: float, seconds: float, every_s: float) -> list[float]:
    """Arrival times of as many, but all at once every `every_s` seconds."""
    each = max(1, round(rate * every_s))
    return [number * every_s for number in range(math.ceil(seconds / every_s)) for _ in range(each)]


async def open_loop(url: str, shots: Sequence[Shot], timeout_s: float = 90.0) -> list[Outcome]:
    """Send every shot at its time, whatever became of those before it; wait for all answers."""
    async with client_of(url) as client:
        started = time.perf_counter()

        async def fire(shot: Shot) -> Outcome:
            await asyncio.sleep(max(0.0, started + shot.at_s - time.perf_counter()))
            return await send(client, shot, started, timeout_s)

        return list(await asyncio.gather(*(fire(shot) for shot in shots)))


async def closed_loop(url: str, shots: Iterable[Shot], callers: int, timeout_s: float = 90.0) -> list[Outcome]:
    """`callers` callers, each sending the next shot as soon as its last was answered, until none is left."""
    outcomes: list[Outcome] = []
    left = iter(shots)
    async with client_of(url) as client:
        started = time.perf_counter()

        async def call() -> None:
            for shot in left:
                outcomes.append(await send(client, shot, started, timeout_s))

        await asyncio.gather(*(call() for _ in range(callers)))
    return outcomes


def client_of(url: str) -> Any:
    big = 512 * 2**20
    arguments = [("grpc.max_send_message_length", big), ("grpc.max_receive_message_length", big)]
    return grpc.InferenceServerClient(url, channel_args=arguments)


async def send(client: Any, shot: Shot, started: float, timeout_s: float) -> Outcome:
    tensor = sync_grpc.InferInput("image", [1, len(shot.data)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(shot.data, np.uint8)[None])
    begun = time.perf_counter()
    late = max(0.0, begun - started - shot.at_s)
    outcome = Outcome(shot, 0.0, begun - started, late)
    priority = 2 if shot.options.get("lane") == "bulk" else 1
    try:
        result = await client.infer(
            shot.task,
            [tensor],
            request_id=shot.id,
            priority=priority,
            parameters=shot.options or None,
            client_timeout=timeout_s,
        )
        outcome.report = json.loads(result.as_numpy("report").ravel()[0])
        outcome.bytes_out = result.as_numpy("image").size
    except InferenceServerException as error:
        outcome.error = error.message() or str(error)
        outcome.reason = reason(outcome.error)
    outcome.seconds = time.perf_counter() - begun
    return outcome


def reason(message: str) -> str:
    """The reason in an error message: the server's JSON object, or what Triton itself says."""
    try:
        return str(json.loads(message[message.rindex("{") :])["reason"])
    except (ValueError, KeyError):
        pass
    for words, meaning in (("Exceeds maximum queue size", "busy"), ("Request timeout expired", "deadline")):
        if words in message:
            return meaning
    return "client_timeout" if "Deadline Exceeded" in message else "other"
