"""The canary: a tiny real request to one model, which tells more than Triton's own "ready"."""

import functools
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import PIL.Image

from darkroom.server.triton_api import ApiError, TritonApi

_REFUSALS = ("exceeds maximum queue size", "request timeout expired", '"reason": "busy"', '"reason": "deadline"')
_DEAD = ("stub process", "not healthy")
_GONE = ("no available versions", "is not ready", "unknown model", "not found", '"reason": "unavailable"')


class Verdict(Enum):
    """What a canary came back with."""

    PASSED = "passed"
    REFUSED = "refused"
    """Triton or the engine was too busy to take it: no sign of trouble by itself."""
    MUTE = "mute"
    """No answer in time."""
    FAILED = "failed"
    DEAD = "dead"
    """Triton says that the model's process is gone."""
    GONE = "gone"
    """The version is being unloaded, or is no more."""


@dataclass(frozen=True)
class Probe:
    """A verdict, with the error's words where there was one."""

    verdict: Verdict
    words: str = ""


def probe(api: TritonApi, model: str, version: str, config: Mapping[str, Any], timeout_s: float) -> Probe:
    """Ask one version of one model. A task is asked for a quote of 16 x 16 pixels (1 to 2 ms, measured): that goes
    through Triton's queue, the model's process, its codec and its engine's prices, and leaves the device alone.
    `jobs` is asked for the totals; of any other model Triton's word must do."""
    path = f"/v2/models/{model}/versions/{version}"
    inputs = {one["name"]: one for one in config.get("input", ())}
    try:
        if set(inputs) == {"image"} and inputs["image"].get("data_type") == "TYPE_UINT8":
            header, picture = _quote(timeout_s)
            length = {"Inference-Header-Content-Length": str(len(header))}
            api.call("POST", f"{path}/infer", header + picture, timeout_s, length)
        elif set(inputs) == {"query"}:
            api.call("POST", f"{path}/infer", _TOTALS, timeout_s)
        else:
            api.call("GET", f"{path}/ready", b"", timeout_s)
    except ApiError as error:
        return Probe(_judge(str(error)), str(error))
    except OSError as error:
        return Probe(Verdict.MUTE, str(error) or type(error).__name__)
    return Probe(Verdict.PASSED)


def _judge(message: str) -> Verdict:
    text = message.lower()
    if any(word in text for word in _REFUSALS):
        return Verdict.REFUSED
    if all(word in text for word in _DEAD):
        return Verdict.DEAD
    if any(word in text for word in _GONE):
        return Verdict.GONE
    return Verdict.FAILED


_TOTALS = json.dumps(
    {"inputs": [{"name": "query", "shape": [1], "datatype": "BYTES", "data": ['{"action": "totals"}']}]}
).encode()


@functools.cache
def _quote(timeout_s: float) -> tuple[bytes, bytes]:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (16, 16), (90, 120, 150)).save(buffer, "PNG")
    picture = buffer.getvalue()
    tensor = {"name": "image", "shape": [1, len(picture)], "datatype": "UINT8"}
    header = {
        "inputs": [{**tensor, "parameters": {"binary_data_size": len(picture)}}],
        # the timeout takes a canary out of a full queue when nobody waits for it any more
        "parameters": {"quote": True, "priority": 1, "timeout": int(timeout_s * 0.9e6)},
        "outputs": [{"name": "report"}],
    }
    return json.dumps(header).encode(), picture
