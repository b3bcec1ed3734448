"""Sends pictures through a service without Triton."""

import io
import json
import queue
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image

from darkroom.errors import DarkroomError
from darkroom.service import Answer, Incoming, Service


@dataclass(frozen=True)
class Result:
    data: bytes
    report: dict[str, Any]

    @property
    def pixels(self) -> np.ndarray:
        return np.asarray(PIL.Image.open(io.BytesIO(self.data)))


def png(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


def ask_all(service: Service, data: bytes, requests: list[dict[str, Any]]) -> list[Result]:
    """Submit all of them before the first is answered; results in order. Raises the first error."""
    replies: list[queue.SimpleQueue[tuple[Answer | None, DarkroomError | None]]] = []
    for options in requests:
        reply: queue.SimpleQueue[tuple[Answer | None, DarkroomError | None]] = queue.SimpleQueue()
        replies.append(reply)
        service.submit(
            Incoming(data, {"deadline_s": 600.0, **options}), lambda *outcome, reply=reply: reply.put(outcome)
        )
    results = []
    for reply in replies:
        answer, error = reply.get(timeout=600)
        if answer is None:
            assert error is not None
            raise error
        results.append(Result(answer.image, json.loads(answer.report)))
    return results


def ask(service: Service, data: bytes, **options: Any) -> Result:
    return ask_all(service, data, [options])[0]
