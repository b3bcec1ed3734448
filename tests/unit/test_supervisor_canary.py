"""What a canary sends to which model, and how its answer is taken."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from darkroom.server.canary import Verdict, probe
from darkroom.server.triton_api import ApiError, TritonApi

TASK = {"input": [{"name": "image", "data_type": "TYPE_UINT8"}]}
JOBS = {"input": [{"name": "query", "data_type": "TYPE_STRING"}]}
OTHER = {"input": [{"name": "features", "data_type": "TYPE_FP32"}]}


class FakeApi(TritonApi):
    """Keeps the last call; answers with an error where there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("127.0.0.1", 1, {})
        self.error = error
        self.last: tuple[str, str, bytes, Mapping[str, str]] = ("", "", b"", {})

    def call(
        self, method: str, path: str, body: bytes, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        self.last = (method, path, body, headers or {})
        if self.error:
            raise self.error
        return b""


def test_a_task_is_asked_for_a_quote_of_one_version() -> None:
    api = FakeApi()
    assert probe(api, "denoise", "2", TASK, 4.0).verdict is Verdict.PASSED
    method, path, body, headers = api.last
    assert (method, path) == ("POST", "/v2/models/denoise/versions/2/infer")
    length = int(headers["Inference-Header-Content-Length"])
    header, picture = json.loads(body[:length]), body[length:]
    assert header["parameters"]["quote"] is True
    assert 0 < header["parameters"]["timeout"] < 4_000_000
    assert header["inputs"][0]["parameters"]["binary_data_size"] == len(picture)
    assert picture.startswith(b"\x89PNG")


@pytest.mark.parametrize(("config", "asked"), [(JOBS, "/infer"), (OTHER, "/ready"), ({}, "/ready")])
def test_other_models_are_asked_what_they_understand(config: dict[str, Any], asked: str) -> None:
    api = FakeApi()
    assert probe(api, "some", "1", config, 4.0).verdict is Verdict.PASSED
    assert api.last[1].endswith(asked)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ApiError("Exceeds maximum queue size"), Verdict.REFUSED),
        (ApiError("Request timeout expired"), Verdict.REFUSED),
        (ApiError('Busy: come back. {"reason": "busy", "retry_after_s": 2}'), Verdict.REFUSED),
        (ApiError("Stub process 'denoise_0_0' is not healthy."), Verdict.DEAD),
        (ApiError("Request for unknown model: 'denoise' has no available versions"), Verdict.GONE),
        (ApiError('The model is being unloaded. {"reason": "unavailable", "retry_after_s": 1}'), Verdict.GONE),
        (ApiError('A bug. {"reason": "internal"}'), Verdict.FAILED),
        (TimeoutError("timed out"), Verdict.MUTE),
        (ConnectionRefusedError("refused"), Verdict.MUTE),
    ],
)
def test_an_error_is_a_refusal_a_death_or_a_failure(error: Exception, verdict: Verdict) -> None:
    found = probe(FakeApi(error), "denoise", "1", TASK, 4.0)
    assert (found.verdict, found.words) == (verdict, str(error))
