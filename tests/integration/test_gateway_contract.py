"""The OpenAPI document, taken at its word: whatever it allows and whatever it forbids, nothing fails with 5xx."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from gateway_process import gateway
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from darkroom.server import Server


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    with gateway(server.grpc_url, "--no-page") as running:
        yield running


def _fields(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}


@pytest.mark.parametrize("examples", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_nothing_fails_with_5xx(url: str, examples: int) -> None:
    limits = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    schema = schemathesis.openapi.from_dict(httpx.get(f"{url}/openapi.json").json())
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/health/models":
            continue  # answers 503 by design where a model is ill

        @limits
        @given(case=operation.as_strategy())
        def attempt(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            response = case.call(base_url=url, timeout=60)
            # A caller may name a deadline of a nanosecond, and is told that it passed.
            impossible = response.status_code == 504 and "deadline_s" in (case.query or {}) | _fields(case.body)
            assert response.status_code < 500 or impossible, (case.as_curl_command(), response.text)
            case.validate_response(response, checks=[status_code_conformance, response_schema_conformance])

        attempt()
    assert tried > 4 * examples
