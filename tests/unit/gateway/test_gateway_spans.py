"""Spans: who decides, what they say, and that a collector that is not there costs nobody anything."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from darkroom_client import Busy
from darkroom_gateway import spans

from tests.unit.gateway.collector import attributes, collecting
from tests.unit.gateway.fakes import FakeBackend, gateway, picture

CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and the spans it was given."""
    with collecting() as (url, got):
        yield url, got


async def test_a_request_and_its_job_are_two_spans_of_the_callers_trace(collector):
    url, got = collector
    backend = FakeBackend()
    async with gateway(backend, otlp_url=url) as client:
        await client.post("/v1/denoise", content=picture(), headers={"traceparent": CALLERS})
        await client.get("/health/live")
    request, job = sorted(got, key=lambda span: span["kind"])
    assert (request["name"], job["name"]) == ("POST denoise", "run denoise")
    assert request["traceId"] == job["traceId"] == CALLERS.split("-")[1]
    assert request["parentSpanId"] == CALLERS.split("-")[2]
    assert job["parentSpanId"] == request["spanId"]
    assert backend.calls[0][1]["headers"] == {"traceparent": f"00-{job['traceId']}-{job['spanId']}-01"}
    assert attributes(request)["http.response.status_code"] == "200"
    assert attributes(job)["darkroom.infer_ms"] == 1.0
    assert int(job["startTimeUnixNano"]) <= int(job["endTimeUnixNano"]) <= int(request["endTimeUnixNano"])


async def test_a_background_job_belongs_to_the_request_that_started_it(collector):
    url, got = collector
    async with gateway(FakeBackend(), otlp_url=url) as client:
        await client.post("/v1/denoise?async=true", content=picture())
    request, job = sorted(got, key=lambda span: span["kind"])
    assert job["parentSpanId"] == request["spanId"]
    assert request["parentSpanId"] == ""


async def test_what_fails_is_marked(collector):
    url, got = collector
    async with gateway(FakeBackend(failure=Busy("Busy.")), otlp_url=url) as client:
        await client.post("/v1/denoise", content=picture())
    request, job = sorted(got, key=lambda span: span["kind"])
    assert job["status"] == {"code": 2}
    assert "status" not in request  # a refusal is an answer
    assert attributes(request)["darkroom.reason"] == "busy"


@pytest.mark.parametrize(("share", "header"), [(1.0, CALLERS[:-2] + "00"), (0.0, "")])
async def test_who_is_not_sampled_is_not_traced(collector, share, header):
    url, got = collector
    backend = FakeBackend()
    async with gateway(backend, otlp_url=url, trace_share=share) as client:
        await client.post("/v1/denoise", content=picture(), headers={"traceparent": header})
    assert not got
    assert "headers" not in backend.calls[0][1]


@pytest.mark.parametrize("header", ["", "garbage", f"00-{'0' * 32}-b7ad6b7169203331-01", CALLERS + "-more"])
def test_a_traceparent_that_is_none_begins_a_trace(header):
    context = spans.enter(header, 1.0)
    assert context.parent_id == ""
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", context.traceparent)


async def test_without_a_collector_answers_come_and_spans_are_counted_as_dropped():
    async with gateway(FakeBackend(), otlp_url="http://127.0.0.1:9") as client:
        assert (await client.post("/v1/denoise", content=picture())).status_code == 200
        for _ in range(100):
            page = (await client.get("/metrics")).text
            if "darkroom_gateway_spans_dropped_total 2.0" in page:
                break
            threading.Event().wait(0.05)
    assert "darkroom_gateway_spans_dropped_total 2.0" in page


async def test_without_a_url_nothing_is_traced():
    backend = FakeBackend()
    async with gateway(backend) as client:
        await client.post("/v1/denoise", content=picture(), headers={"traceparent": CALLERS})
    assert "headers" not in backend.calls[0][1]
