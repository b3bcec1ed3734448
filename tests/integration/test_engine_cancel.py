"""A job is stopped by hanging up or by its id: it is answered, and nothing of it is left."""

import asyncio

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
from flights import BIG, big, board_files, engine, flying, state, thumbnail, wait_idle
from tritonclient.utils import InferenceServerException
from wire import RefusedError, ask, binary, grpc, grpc_client, until

from darkroom.server import Server


def image_tensor() -> tritonclient.grpc.InferInput:
    tensor = tritonclient.grpc.InferInput("image", [1, len(BIG)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(BIG, np.uint8)[None])
    return tensor


def cancelled(server: Server) -> int:
    return engine(server)["outcomes"].get("cancelled", 0)


@pytest.mark.parametrize(("send", "status"), [(grpc, "CANCELLED"), (binary, 400)])
def test_by_its_id(simulated: Server, send: object, status: object) -> None:
    job = big()
    with flying(simulated, job, send=send) as (answer,):
        until(lambda: state(simulated, job.id)["units_done"])
        assert ask(simulated, {"action": "cancel", "id": job.id}) == {"id": job.id, "cancelled": True}
        with pytest.raises(RefusedError) as refused:
            answer.result()
    assert refused.value.status == status
    assert refused.value.sentence == "The job was cancelled."
    assert refused.value.details == {"reason": "cancelled"}
    assert state(simulated, job.id) == {"id": job.id, "state": "unknown"}
    assert ask(simulated, {"action": "cancel", "id": job.id}) == {"id": job.id, "cancelled": False}


def test_one_of_several_by_its_id_and_the_others_go_on(simulated: Server) -> None:
    first, second = big(), big()
    with flying(simulated, first, second) as (answer, other):
        ask(simulated, {"action": "cancel", "id": first.id})
        with pytest.raises(RefusedError, match="The job was cancelled"):
            answer.result()
        done = state(simulated, second.id)["units_done"]
        until(lambda: state(simulated, second.id)["units_done"] > done)
        assert not other.done()


def test_by_hanging_up(simulated: Server) -> None:
    before, answers, job_id = cancelled(simulated), [], "hangs up"
    with grpc_client(simulated) as client:
        call = client.async_infer(
            "super_resolution", [image_tensor()], lambda result, error: answers.append(error), request_id=job_id
        )
        until(lambda: state(simulated, job_id)["state"] == "running")
        call.cancel()
        until(lambda: answers)
        assert isinstance(answers[0], InferenceServerException)
        wait_idle(simulated)
        until(lambda: cancelled(simulated) == before + 1)
    assert len(answers) == 1


async def test_by_cancelling_a_task_of_asyncio(simulated: Server) -> None:
    before, job_id = await asyncio.to_thread(cancelled, simulated), "task"
    async with tritonclient.grpc.aio.InferenceServerClient(simulated.grpc_url) as client:
        call = asyncio.create_task(client.infer("super_resolution", [image_tensor()], request_id=job_id))
        await asyncio.to_thread(until, lambda: state(simulated, job_id)["state"] == "running")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(wait_idle, simulated)
        await asyncio.to_thread(until, lambda: cancelled(simulated) == before + 1)


def test_many_at_once_leave_nothing(simulated: Server) -> None:
    jobs = [big() for _ in range(4)]
    with flying(simulated, *jobs, thumbnail(), thumbnail()) as answers:
        for job in jobs:
            ask(simulated, {"action": "cancel", "id": job.id})
        for answer in answers[:4]:
            with pytest.raises(RefusedError, match="cancelled"):
                answer.result()
    totals = wait_idle(simulated)
    assert totals["backlog_s"] == 0
    assert board_files(simulated) == []
    assert grpc(simulated, thumbnail()).image
