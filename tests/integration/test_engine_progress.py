"""What the `jobs` model tells about running jobs, over gRPC and HTTP."""

import json
from typing import Any

import pytest
from flights import big, engine, flying, state, thumbnail, wait_idle
from wire import RefusedError, ask, grpc, post, until

from darkroom.server import Server

LIST = {"action": "list"}


def ask_http(server: Server, query: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    tensor = {"name": "query", "shape": [1], "datatype": "BYTES", "data": [json.dumps(query)]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, body = post(server, "/v2/models/jobs/infer", json.dumps({"inputs": [tensor]}).encode(), named)
    content = json.loads(body)
    return status, content if status != 200 else json.loads(content["outputs"][0]["data"][0])


def test_units_done_grow_while_a_job_runs(simulated: Server) -> None:
    job = big()
    expected = grpc(simulated, big(quote=True)).report["units"]
    with flying(simulated, job):
        seen: list[int] = []

        def look() -> bool:
            now = state(simulated, job.id)
            assert (now["id"], now["task"], now["state"], now["lane"]) == (
                job.id,
                "super_resolution",
                "running",
                "interactive",
            )
            assert now["units_total"] == expected
            if now["units_done"] not in seen:
                seen.append(now["units_done"])
            return len(seen) >= 3

        until(look)
        assert seen == sorted(seen)
        assert seen[-1] <= expected
        eta = until(lambda: state(simulated, job.id)["eta_s"])
        assert eta > 0


def test_no_state_tells_of_the_process(simulated: Server) -> None:
    job = big()
    with flying(simulated, job):
        assert not {"pid", "process_start"} & set(state(simulated, job.id))
        assert not {"pid", "process_start"} & set(engine(simulated))
        assert state(simulated, job.id)["start_id"] == engine(simulated)["start_id"]


def test_a_running_id_is_taken_and_free_again_afterwards(simulated: Server) -> None:
    job = big()
    with flying(simulated, job):
        with pytest.raises(RefusedError) as refused:
            grpc(simulated, job)
        assert refused.value.status == "INVALID_ARGUMENT"
        assert f'"{job.id}" names a job that is still running; ids must differ.' in refused.value.sentence
        assert refused.value.details == {"reason": "bad_option"}
        assert state(simulated, job.id)["state"] == "running"
    with flying(simulated, job) as (answer,):
        assert not answer.done()


def test_the_same_over_http(simulated: Server) -> None:
    job = big()
    with flying(simulated, job) as (answer,):
        status, told = ask_http(simulated, {"action": "state", "id": job.id})
        assert (status, told["id"], told["state"]) == (200, job.id, "running")
        assert ask_http(simulated, {"action": "cancel", "id": job.id}) == (200, {"id": job.id, "cancelled": True})
        with pytest.raises(RefusedError, match="The job was cancelled"):
            answer.result()


def test_the_list_of_all_jobs_is_for_holders_of_the_admin_key(simulated: Server) -> None:
    jobs = [big(), big()]
    with flying(simulated, *jobs):
        for headers in ({}, {"darkroom-admin-key": "guessed"}):
            with pytest.raises(RefusedError, match="needs the header darkroom-admin-key"):
                ask(simulated, LIST, headers)
        assert ask_http(simulated, LIST)[0] == 400
        listed = ask(simulated, LIST, simulated.admin_grpc_headers)["jobs"]
        assert {job["id"] for job in listed} == {job.id for job in jobs}
        status, told = ask_http(simulated, LIST, Darkroom_Admin_Key=simulated.admin_key)
        assert (status, len(told["jobs"])) == (200, 2)


def test_totals_count_jobs_and_units(simulated: Server) -> None:
    before = wait_idle(simulated)
    with flying(simulated, big()):
        during = until(lambda: (now := engine(simulated))["jobs_running"] == 1 and now)
        assert during["backlog_s"] > 0
        assert during["max_batch"] == 32
        assert "retry_after_s" in ask(simulated, {"action": "totals"})
        until(lambda: engine(simulated)["units"] > before["units"])
    answered = grpc(simulated, thumbnail())
    ok = before["outcomes"].get("ok", 0)
    after = until(lambda: (now := engine(simulated))["outcomes"].get("ok", 0) == ok + 1 and now)
    assert after["units"] >= before["units"] + answered.report["units"]
    assert after["start_id"] == before["start_id"]


@pytest.mark.parametrize("query", [{"action": "explode"}, {"action": "state"}, {}])
def test_a_wrong_question_is_named(simulated: Server, query: dict[str, Any]) -> None:
    status, told = ask_http(simulated, query)
    assert status == 400
    assert '{"reason": "bad_option"}' in told["error"]
