"""One trace from a caller through the gateway into Triton, taken by a real collector's protocol."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from flights import THUMBNAIL
from gateway_process import gateway
from wire import until

from darkroom.server import Server
from tests.deploy.programs import ROOT
from tests.unit.gateway.collector import attributes, collecting

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
    # Triton drops the context of one gRPC request in ten, and then begins a trace of its own
    chain = next(chain for chain in (ask(traced) for _ in range(20)) if len({span["traceId"] for span in chain}) == 1)
    assert chain[3]["name"] == "super_resolution"  # found by the job's id, the others by their names
    assert [span["parentSpanId"] for span in chain] == [CALLER, *(span["spanId"] for span in chain[:-1])]
    assert [span["service"] for span in chain] == ["darkroom-gateway"] * 2 + ["darkroom-triton"] * 3
    starts = [int(span["startTimeUnixNano"]) for span in chain]
    assert starts == sorted(starts)
    assert max(starts) < time.time_ns()


def test_the_span_of_a_job_tells_what_became_of_it(traced: Traced) -> None:
    report = attributes(ask(traced)[1])  # Triton's end with execute(), before the work begins
    assert report["darkroom.infer_ms"] > 40
    assert int(report["darkroom.units"]) >= 1


def ask(traced: Traced) -> list[dict[str, Any]]:
    """One picture through the gateway. Its five spans, the outermost first, once all are in: the gateway's by the
    caller's trace, Triton's by the job's id, with which both mark theirs."""
    trace = secrets.token_hex(16)
    answer = httpx.post(
        f"{traced.gateway}/v1/super-resolution?scale=2",
        content=THUMBNAIL,
        headers={"traceparent": f"00-{trace}-{CALLER}-01"},
        timeout=60,
    )
    assert answer.status_code == 200
    request, job = (
        until(partial(named, traced, trace, name)) for name in ("POST super_resolution", "run super_resolution")
    )
    model = until(partial(of_job, traced, attributes(job)["darkroom.job_id"]))
    triton, compute = (until(partial(named, traced, model["traceId"], name)) for name in ("InferRequest", "compute"))
    return [request, job, triton, model, compute]


def named(traced: Traced, trace: str, name: str) -> dict[str, Any] | None:
    return next((span for span in list(traced.spans) if (span["traceId"], span["name"]) == (trace, name)), None)


def of_job(traced: Traced, job_id: str) -> dict[str, Any] | None:
    """Triton's span of the model that ran it."""
    return next((span for span in list(traced.spans) if attributes(span).get("triton.request_id") == job_id), None)
