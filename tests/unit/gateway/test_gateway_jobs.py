"""Asynchronous jobs: states, events, results, bounds."""

import asyncio
import json
import time

import pytest
from darkroom_client import JobState, errors
from darkroom_gateway.jobs import events as events_module
from darkroom_gateway.jobs.job import Job
from darkroom_gateway.jobs.store import Store
from darkroom_gateway.metrics import Metrics
from darkroom_gateway.problems import Problem
from darkroom_gateway.settings import Settings

from tests.unit.gateway.fakes import FakeBackend, gateway, picture

RUNNING = JobState("x", "running", units_done=3, units_total=12, eta_s=1.25, raw={"preview": "abcd"})


async def start(client, **params):
    response = await client.post("/v1/denoise", params={"async": "true", **params}, content=picture())
    assert response.status_code == 202
    assert response.headers["location"] == response.json()["url"]
    return response.json()


async def ended(client, job):
    for _ in range(200):
        state = (await client.get(job["url"])).json()
        if state["state"] not in ("waiting", "running"):
            return state
        await asyncio.sleep(0.005)
    raise AssertionError("the job does not end")


async def events_of(client, job):
    response = await client.get(job["events_url"])
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in response.text.split("\n\n") if block.startswith("event: ")]
    return [(block.split("\n")[0][7:], json.loads(block.split("\n")[1][6:])) for block in blocks]


async def test_a_job_from_start_to_result():
    backend = FakeBackend()
    async with gateway(backend, name="west") as client:
        job = await start(client, strength="25")
        assert job["id"].startswith("west")
        state = await ended(client, job)
        assert state["state"] == "done"
        assert state["report"]["network"] == "ffdnet_color"
        assert 590 < state["kept_for_s"] <= 600
        result = await client.get(job["result_url"])
    assert result.content == picture()
    assert result.headers["content-type"] == "image/jpeg"
    task, options = backend.calls[0]
    assert task == "denoise"
    assert options["strength"] == 25.0
    assert options["request_id"] == job["id"]
    assert options["deadline_s"] == 600.0


async def test_prefer_respond_async_and_json_results():
    async with gateway(FakeBackend()) as client:
        headers = {"prefer": "respond-async", "accept": "application/json"}
        response = await client.post("/v1/denoise", content=picture(), headers=headers)
        assert response.status_code == 202
        await ended(client, response.json())
        result = await client.get(response.json()["result_url"])
    assert result.json()["content_type"] == "image/jpeg"


async def test_events_tell_progress_and_end():
    backend = FakeBackend(states=[JobState("x", "waiting", eta_s=2.0), RUNNING], gate=asyncio.Event())
    async with gateway(backend) as client:
        job = await start(client)
        await asyncio.sleep(0.01)
        state = (await client.get(job["url"])).json()
        assert state["state"] == "running"
        assert state["progress"] == 0.25
        assert (state["units_done"], state["units_total"], state["eta_s"], state["preview"]) == (3, 12, 1.25, "abcd")
        asyncio.get_running_loop().call_later(0.05, backend.gate.set)
        seen = await events_of(client, job)
    assert [name for name, _ in seen] == ["running", "done"]
    assert seen[-1][1]["progress"] == 1.0


async def test_silence_is_filled_with_heartbeats(monkeypatch):
    monkeypatch.setattr(events_module, "HEARTBEAT_S", 0.02)
    job = Job("x", "denoise", "")
    stream = events_module.events(job, "/v1/jobs/x", asyncio.Event())
    assert await anext(stream) == b"retry: 1000\n\n"
    assert (await anext(stream)).startswith(b"event: waiting\n")
    assert await anext(stream) == b": still here\n\n"
    job.end("failed", problem=Problem(504, "deadline", "Late."))
    assert b'"reason": "deadline"' in await anext(stream)
    assert [event async for event in stream] == []


async def test_streams_end_when_the_gateway_stops():
    stopping = asyncio.Event()
    stream = events_module.events(Job("x", "denoise", ""), "/v1/jobs/x", stopping)
    await anext(stream)
    await anext(stream)
    asyncio.get_running_loop().call_later(0.02, stopping.set)
    assert [event async for event in stream] == []


async def test_a_result_that_is_not_there_yet_and_a_cancel():
    backend = FakeBackend(gate=asyncio.Event())
    async with gateway(backend) as client:
        job = await start(client)
        early = await client.get(job["result_url"])
        assert early.status_code == 409
        assert early.headers["retry-after"] == "1"
        watching = asyncio.create_task(events_of(client, job))
        await asyncio.sleep(0.02)
        assert (await client.delete(job["url"])).status_code == 204
        assert (await watching)[-1][0] == "cancelled"
        assert (await client.get(job["url"])).status_code == 404
    assert backend.cancelled == [job["id"]]


FAILURES = [
    (errors.BadImage("Damaged."), "failed", 400),
    (errors.Busy("Full.", retry_after_s=3), "failed", 429),
    (errors.Cancelled("Stopped."), "cancelled", 409),
    (RuntimeError("secret"), "failed", 500),
]


@pytest.mark.parametrize(("error", "state", "status"), FAILURES)
async def test_a_job_that_fails_tells_why_in_both_places(error, state, status):
    backend = FakeBackend(failure=error, gate=asyncio.Event())
    async with gateway(backend) as client:
        job = await start(client)
        backend.gate.set()
        final = await ended(client, job)
        result = await client.get(job["result_url"])
    assert final["state"] == state
    assert "secret" not in json.dumps(final)
    assert result.status_code == status
    assert result.json()["reason"] == final["error"]["reason"]


@pytest.mark.parametrize(("error", "state", "status"), FAILURES)
async def test_a_job_that_the_server_refuses_at_once_is_refused_at_once(error, state, status):
    async with gateway(FakeBackend(failure=error)) as client:
        response = await client.post("/v1/denoise?async=true", content=picture())
        metrics = (await client.get("/metrics")).text
    assert response.status_code == status
    assert ("retry-after" in response.headers) == (status == 429)
    assert "darkroom_gateway_kept_results 0.0" in metrics


async def test_a_bad_option_is_refused_at_once():
    async with gateway(FakeBackend()) as client:
        response = await client.post("/v1/denoise?async=true&strength=99", content=picture())
    assert response.status_code == 422


async def test_unfinished_jobs_are_bounded_and_give_back_what_they_hold():
    backend = FakeBackend(gate=asyncio.Event())
    async with gateway(backend, unfinished_jobs=2, held_bytes=10_000) as client:
        jobs = [await start(client) for _ in range(2)]
        for _ in range(20):  # a refused job must not keep its bytes
            refused = await client.post("/v1/denoise?async=true", content=picture())
            assert refused.status_code == 429
            assert refused.json()["detail"].startswith("The gateway works on 2 asynchronous jobs already")
        backend.gate.set()
        for job in jobs:
            await ended(client, job)
        metrics = (await client.get("/metrics")).text
        assert "darkroom_gateway_held_bytes 0.0" in metrics
        assert "darkroom_gateway_kept_results 2.0" in metrics
        await start(client)


async def test_stopping_cancels_what_is_in_work():
    backend = FakeBackend(gate=asyncio.Event())
    async with gateway(backend) as client:
        job = await start(client)
        await asyncio.sleep(0.01)
    assert backend.cancelled == [job["id"]]
    assert backend.closed


def finished(store, size=10, *, fetched=False, age=0.0):
    from darkroom_client import Report, Result

    job = Job(f"job{time.perf_counter_ns()}", "denoise", "")
    store.add(job)
    job.end("done", result=Result(bytes(size), Report(), job.id))
    job.fetched, job.ended = fetched, time.monotonic() - age
    store.sweep()
    return job


def ids(store):
    return {job.id for job in store}


async def test_results_are_forgotten_by_number_fetched_ones_first():
    store = Store(Settings(kept_results=2), Metrics())
    first, fetched, last = finished(store, age=3), finished(store, fetched=True, age=2), finished(store)
    assert ids(store) == {first.id, last.id} != {fetched.id}
    newest = finished(store)
    assert ids(store) == {last.id, newest.id}


async def test_results_are_forgotten_by_bytes_and_time():
    store = Store(Settings(kept_bytes=25, kept_s=60), Metrics())
    old, middle, new = finished(store, age=50), finished(store, age=10), finished(store)
    assert ids(store) == {middle.id, new.id} != {old.id}
    middle.ended -= 51
    with pytest.raises(Problem) as caught:
        store.get(middle.id, "")
    assert caught.value.status == 404
    assert "kept for 60 s at most" in caught.value.detail


async def test_results_that_are_fetched_share_the_bound_of_uploads():
    backend = FakeBackend(lambda data, options: bytes(20_000))
    async with gateway(backend, held_bytes=30_000) as client:
        job = await start(client)
        await ended(client, job)
        share = client._transport.app.state.services.budget.send("another", 20_000)
        refused = await client.get(job["result_url"])
        share.close()
        fetched = await client.get(job["result_url"])
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert fetched.content == bytes(20_000)


async def test_a_result_larger_than_all_that_may_be_kept():
    async with gateway(FakeBackend(), kept_bytes=100) as client:
        response = await client.post("/v1/denoise?async=true", content=picture())
    assert response.status_code == 422
    assert response.json()["reason"] == "too_large"


@pytest.mark.parametrize("jump_s", [1e6, -1e6])
async def test_a_clock_that_jumps_neither_loses_results_nor_keeps_them_for_ever(monkeypatch, jump_s):
    store = Store(Settings(kept_s=60), Metrics())
    kept, old = finished(store), finished(store, age=59)
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + jump_s)
    store.sweep()
    assert ids(store) == {kept.id, old.id}
    about = kept.describe("/jobs/x")
    assert 55 < about["kept_for_s"] <= 60
    assert 0 <= about["ended_at"] - about["created_at"] < 60
    old.ended -= 2
    store.sweep()
    assert ids(store) == {kept.id}
