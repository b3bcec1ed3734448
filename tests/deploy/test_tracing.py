"""One trace from a caller through the gateway into Triton, taken by a real collector's protocol."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from flights import THUMBNAIL
from gateway_process import gateway
from wire import until

from darkroom.server import Server
from tests.deploy.programs import ROOT
from tests.unit.gateway.collector import attributes, collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@dataclass(frozen=True)
class Traced:
    gateway: str
    spans: list[dict[str, Any]]


@pytest.fixture(scope="module")
def traced() -> Iterator[Traced]:
    """A server with the arguments of deploy/tracing, and a gateway; both report to one collector."""
    with collecting() as (url, spans):
        arguments = (ROOT / "deploy" / "tracing" / "triton.arguments").read_text()
        server = Server(
            models=["super_resolution", "jobs"],
            config_name="simulated",
            env={"DARKROOM_SIMULATE": "40,4"},
            extra_arguments=arguments.replace("http://127.0.0.1:4318", url).split(),
        )
        with server, gateway(server.grpc_url, "--otlp-url", url) as front:
            yield Traced(front, spans)


def test_the_spans_of_caller_gateway_and_triton_are_one_tree(traced: Traced) -> None:
    answer = httpx.post(
        f"{traced.gateway}/v1/super-resolution?scale=2",
        content=THUMBNAIL,
        headers={"traceparent": f"00-{TRACE}-{CALLER}-01"},
        timeout=60,
    )
    assert answer.status_code == 200

    def of_trace() -> dict[str, dict[str, Any]]:
        found = {span["name"]: span for span in list(traced.spans) if span["traceId"] == TRACE}
        return found if len(found) >= 5 else {}

    found = until(of_trace)
    request, job = found["POST super_resolution"], found["run super_resolution"]
    triton, model, compute = found["InferRequest"], found["super_resolution"], found["compute"]
    chain = [request, job, triton, model, compute]
    assert [span["parentSpanId"] for span in chain] == [CALLER, *(span["spanId"] for span in chain[:-1])]
    assert [span["service"] for span in chain] == ["darkroom-gateway"] * 2 + ["darkroom-triton"] * 3
    starts = [int(span["startTimeUnixNano"]) for span in chain]
    assert starts == sorted(starts)
    assert max(starts) < time.time_ns()
    # Triton's spans end with execute(), before the work begins; the job's tells what became of it.
    report = attributes(job)
    assert report["darkroom.infer_ms"] > 40
    assert int(report["darkroom.units"]) >= 1
