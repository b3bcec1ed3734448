"""A device that is short of memory, and one that is lost: on real servers, by faults of the simulated device."""

import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from flights import big, engine, flying, medium, simulated_server, thumbnail
from pictures import photo_file
from test_engine_accidents import control, stub
from wire import Call, RefusedError, ask, grpc, post, until

from darkroom.runtime import POISONED_EXIT
from darkroom.server import Server

HUGE = photo_file(2800, 2200, "JPEG")


def engines(server: Server) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = ask(server, {"action": "totals"})["engines"]
    return listed


def test_batches_shrink_to_what_fits_and_answers_stay_the_same() -> None:
    with simulated_server("20,2,oom=6") as server:
        alone = [grpc(server, call).image for call in (medium(), thumbnail(), big())]
        with flying(server, *(call() for call in (medium, thumbnail, big) for _ in range(2))) as answers:
            images = [answer.result(timeout=120).image for answer in answers]
        assert images == [image for image in alone for _ in range(2)]
        totals = engine(server)
        assert set(totals["outcomes"]) == {"ok"}
        assert totals["units"] / totals["batches"] <= 6
        assert totals["retries"]["memory"] >= 1


def huge(number: int) -> Call:
    """A job of 120 tiles: it cannot be done in the five batches that the device does after its warm-up."""
    return Call(HUGE, options={"scale": 2, "deadline_s": 300.0}, id=f"huge-{number}")


@pytest.fixture(scope="module")
def doomed() -> Any:
    with simulated_server("100,10,poison=7", exit_timeout_s=1) as running:
        yield running


def exit_code(process: psutil.Process) -> int | None:
    """Of a process that has ended and was not waited for; None while it runs."""
    stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(stat[49]) >> 8 if stat[0] == "Z" else None


def test_a_lost_device_answers_its_jobs_and_ends_its_process(doomed: Server) -> None:
    process, before = stub(doomed), engine(doomed)
    with flying(doomed, *(huge(number) for number in range(4))) as answers:
        errors = [answer.exception(timeout=120) for answer in answers]
    for error in errors:
        assert isinstance(error, RefusedError)
        assert error.details["reason"] == "unavailable"
        assert error.details["retry_after_s"] > 0
        assert "being restarted" in error.sentence
    assert until(lambda: exit_code(process)) == POISONED_EXIT
    (dead,) = engines(doomed)
    assert (dead["start_id"], dead["alive"], dead["poisoned"]) == (before["start_id"], False, True)
    assert doomed.alive


def test_a_model_that_lost_its_device_is_healed_by_loading_it_anew(doomed: Server) -> None:
    control(doomed, "unload_model")
    control(doomed, "load_model")
    assert grpc(doomed, thumbnail()).image
    (healed,) = until(lambda: engines(doomed))
    assert (healed["alive"], healed["poisoned"]) == (True, False)


def test_the_list_of_jobs_is_the_operator_s(doomed: Server) -> None:
    body = {"inputs": [{"name": "query", "shape": [1], "datatype": "BYTES", "data": ['{"action": "list"}']}]}
    for headers in ({}, {"darkroom-admin-key": "wrong"}):
        status, _, answered = post(doomed, "/v2/models/jobs/infer", json.dumps(body).encode(), headers)
        assert status == 400
        assert json.loads(answered)["error"].endswith('{"reason": "not_allowed"}')
    status, _, answered = post(doomed, "/v2/models/jobs/infer", json.dumps(body).encode(), doomed.admin_http_headers)
    assert status == 200
