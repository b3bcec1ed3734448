"""A job that cannot be done in time is refused at once; one whose time is up is stopped."""

import time
from dataclasses import replace

import pytest
from flights import BIG, big, engine, flying, medium, state, thumbnail, wait_idle
from wire import Call, RefusedError, grpc, raw, until

from darkroom.server import Server


def work_s(server: Server, call: Call) -> float:
    """What the engine thinks that a job takes by itself."""
    wait_idle(server)
    return float(grpc(server, replace(call, options={**call.options, "quote": True})).report["work_s"])


def test_a_quote_knows_the_line(simulated: Server) -> None:
    alone = grpc(simulated, big(quote=True)).report
    with flying(simulated, big(), big()):
        among = grpc(simulated, big(quote=True)).report
        small = grpc(simulated, thumbnail(quote=True)).report
    assert among["units"] == alone["units"]
    assert among["done_in_s"] > alone["done_in_s"]
    assert small["done_in_s"] < among["done_in_s"]


def test_what_takes_too_long_by_itself_is_refused_with_the_deadline_that_does(simulated: Server) -> None:
    needed = work_s(simulated, big())
    with pytest.raises(RefusedError, match=r"This job needs about \d+\.\d s by itself.*; send deadline_s=") as refused:
        grpc(simulated, big(deadline_s=needed / 10))
    assert refused.value.status == "UNAVAILABLE"
    assert refused.value.details["reason"] == "deadline"
    named_s = refused.value.details["deadline_s"]
    assert needed < named_s < 3 * needed + 3
    assert grpc(simulated, big(deadline_s=named_s)).report["units"] > 10


def test_a_job_whose_time_is_up_is_stopped(simulated: Server) -> None:
    deadline_s = 0.7 * work_s(simulated, medium())  # an idle engine tries what its estimates may have wrong
    call = medium(deadline_s=deadline_s)
    with pytest.raises(RefusedError) as refused:
        grpc(simulated, call)
    sentence, _, named = refused.value.sentence.partition("; send deadline_s=")
    assert sentence == f"The deadline of {deadline_s:g} s passed before the job was done"
    assert refused.value.details == {"reason": "deadline", "deadline_s": float(named.removesuffix("."))}
    wait_idle(simulated)
    assert state(simulated, call.id)["state"] == "unknown"


def test_the_timeout_of_the_request_is_a_deadline_too(simulated: Server) -> None:
    timeout_us = int(0.7e6 * work_s(simulated, medium()))
    with pytest.raises(RefusedError, match=r"The deadline of .* passed") as refused:
        grpc(simulated, replace(medium(), timeout_us=timeout_us))
    assert refused.value.details["reason"] == "deadline"
    wait_idle(simulated)


def test_a_job_that_would_come_too_late_is_refused_as_busy_at_once(simulated: Server) -> None:
    needed = work_s(simulated, big())
    with flying(simulated, big(), big(), big()) as answers:
        began = time.monotonic()
        with pytest.raises(RefusedError) as refused:
            grpc(simulated, big(deadline_s=1.3 * needed))
        assert time.monotonic() - began < needed, "it waited instead of being refused"
        assert not any(answer.done() for answer in answers)
    assert refused.value.status == "UNAVAILABLE"
    assert refused.value.sentence.startswith("Busy: ")
    assert refused.value.details["reason"] == "busy"
    assert 0 < refused.value.details["retry_after_s"] <= 60


def test_busy_over_http_is_503_with_the_same_words(simulated: Server) -> None:
    headers = {"darkroom-scale": "2", "darkroom-deadline-s": str(1.3 * work_s(simulated, big()))}
    with flying(simulated, big(), big(), big()), pytest.raises(RefusedError) as refused:
        raw(simulated, Call(BIG, headers=headers))
    assert refused.value.status == 503
    assert refused.value.details["reason"] == "busy"


def test_a_refused_job_costs_the_device_nothing(simulated: Server) -> None:
    before = wait_idle(simulated)
    cost = grpc(simulated, big(quote=True)).report["units"]
    with pytest.raises(RefusedError):
        grpc(simulated, big(deadline_s=0.01))
    grpc(simulated, thumbnail())
    ok = before["outcomes"].get("ok", 0)
    after = until(lambda: (now := engine(simulated))["outcomes"].get("ok", 0) > ok and now)
    assert after["units"] < before["units"] + cost
    assert after["outcomes"]["deadline"] == before["outcomes"].get("deadline", 0) + 1
