"""Same bytes in, same options: same bytes out, whatever else is being served."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pictures import photo_file
from wire import Call, ask, grpc, until

from darkroom.server import Server
from perf.versions import copy_repository

TASKS = ("super_resolution", "denoise")
SIZES = [(64, 64), (72, 50), (80, 72), (64, 78), (100, 64), (120, 70), (64, 140), (200, 64)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real networks on the CPU, in batches that may take as long as they like: bounded in time, each would hold a
    single unit where the processor is slow, and no picture would have company."""
    repository = copy_repository(tmp_path_factory.mktemp("repository"), TASKS)
    for task in TASKS:
        file = repository / task / "1" / "pipeline.json"
        content = json.loads(file.read_text())
        content["cpu"]["engine"]["max_batch_s"] = 60.0
        file.unlink()  # the repository's own file under another name
        file.write_text(json.dumps(content))
    with Server(repository, config_name="cpu") as running:
        yield running


@pytest.mark.parametrize(
    "call",
    [
        Call(photo_file(150, 120, "JPEG", seed=9), options={"scale": 2}),
        Call(photo_file(150, 120, "JPEG", seed=9), "denoise", options={"strength": 20.0}),
    ],
    ids=lambda call: call.task,
)
def test_alone_and_among_sixteen_others_the_bytes_are_the_same(server: Server, call: Call) -> None:
    alone = grpc(server, call)
    before = totals(server, call.task)
    sizes = SIZES * 2
    others = [Call(photo_file(*size, seed=i), call.task, call.options) for i, size in enumerate(sizes)]
    with ThreadPoolExecutor(17) as pool:
        answers = list(pool.map(lambda one: grpc(server, one), [*others[:8], call, *others[8:]]))
    assert answers[8].image == alone.image
    ran = sum(answer.report["units"] for answer in answers)
    after = until(lambda: (now := totals(server, call.task))["units"] >= before["units"] + ran and now)
    assert after["batches"] - before["batches"] < ran, "no batch was shared: nothing was tried"


def totals(server: Server, task: str) -> dict[str, float]:
    return next(engine for engine in ask(server, {"action": "totals"})["engines"] if engine["task"] == task)
