"""The Python client against a real server with a simulated device: slow enough to watch, cancel and overload."""

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from darkroom_client import (
    AsyncDarkroom,
    BadImage,
    BadOption,
    Busy,
    Cancelled,
    Darkroom,
    DarkroomError,
    DeadlinePassed,
    LostJob,
    Result,
    Retry,
    Unavailable,
)
from PIL import Image

from darkroom.server import Server

RNG = np.random.default_rng(5)
SMALL = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
LARGE = np.kron(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8), np.ones((64, 64, 1), np.uint8))
"""1024 x 1024 pixels: many units, so seconds of work."""


@pytest.fixture(scope="module")
def slow_server() -> Iterator[Server]:
    with Server(models=["super_resolution", "denoise", "jobs"], env={"DARKROOM_SIMULATE": "40,40"}) as server:
        yield server


@pytest.fixture(params=["grpc", "http"])
def url(request: pytest.FixtureRequest, slow_server: Server) -> str:
    return slow_server.grpc_url if request.param == "grpc" else f"http://{slow_server.http_url}"


@pytest.fixture
def darkroom(url: str, slow_server: Server) -> Iterator[Darkroom]:
    with Darkroom(url, admin_key=slow_server.admin_key) as client:
        yield client
        assert _eventually(lambda: not client.jobs()), "a test left jobs on the server"


def _eventually(holds, within_s: float = 3.0) -> bool:
    ends = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


def test_every_kind_of_image(darkroom: Darkroom, tmp_path: Path) -> None:
    Image.fromarray(SMALL).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    results = [
        darkroom.super_resolution(image, scale=2) for image in (tmp_path / "a.png", data, Image.fromarray(SMALL), SMALL)
    ]
    for result in results:
        assert result.numpy().shape == (96, 128, 3)
        assert result.report.task == "super_resolution"
        assert result.report.simulated
    assert results[0].bytes == results[1].bytes


def test_grey_and_alpha_come_back(darkroom: Darkroom) -> None:
    assert darkroom.denoise(SMALL[..., 0]).numpy().shape == (48, 64)
    alpha = np.dstack([SMALL, SMALL[..., 0]])
    assert darkroom.denoise(alpha, strength=5).numpy().shape == (48, 64, 4)


def test_options_travel_typed(darkroom: Darkroom) -> None:
    result = darkroom.denoise(SMALL, strength=12.5, output_format="webp", output_quality=80, lane="bulk", deadline_s=20)
    assert Image.open(io.BytesIO(result.bytes)).format == "WEBP"
    assert result.report.raw["strength"] == 12.5


@pytest.mark.parametrize(
    ("call", "raised", "words"),
    [
        (lambda d: d.denoise(b"not an image"), BadImage, "not an image"),
        (lambda d: d.denoise(SMALL, strength=99), BadOption, "strength must be"),
        (lambda d: d.run("denoise", SMALL, sharpness=3), BadOption, "Unknown option"),
        (lambda d: d.super_resolution(SMALL, scale=3), BadOption, "scale must be 2 or 4, got 3"),
        (lambda d: d.run("nonsense", SMALL), BadOption, "unknown model: 'nonsense'"),
        (lambda d: d.denoise(SMALL, model_version=77), BadOption, "version 77"),
    ],
)
def test_errors_are_sentences(darkroom: Darkroom, call, raised, words: str) -> None:
    with pytest.raises(raised) as caught:
        call(darkroom)
    assert words in caught.value.message
    assert "{" not in caught.value.message


def test_a_quote_costs_nothing(darkroom: Darkroom) -> None:
    quote = darkroom.quote("super_resolution", LARGE, scale=2)
    assert quote.units >= 10
    assert quote.work_s > 1
    assert darkroom.totals().engines


def test_progress_of_ones_own_job(darkroom: Darkroom) -> None:
    seen = []
    darkroom.super_resolution(LARGE, scale=2, on_progress=seen.append)
    done = [state.units_done for state in seen if state.held]
    assert len(set(done)) >= 2
    assert done == sorted(done)
    assert all(state.units_total and state.units_total >= 10 for state in seen if state.held)


def test_watching_and_cancelling_somebody_elses(darkroom: Darkroom) -> None:
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(darkroom.super_resolution, LARGE, scale=2, request_id="watched")
        states = []
        for state in darkroom.watch("watched", interval_s=0.1):
            states.append(state)
            if state.state == "running":
                darkroom.cancel("watched")
        with pytest.raises(Cancelled):
            job.result()
    assert states[-1].state == "ended"
    assert darkroom.state("watched").state == "unknown"
    assert not darkroom.cancel("watched")


def test_an_id_that_is_taken_is_refused(darkroom: Darkroom) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(darkroom.super_resolution, LARGE, scale=2, request_id="twin")
        assert _eventually(lambda: darkroom.state("twin").held)
        with pytest.raises(DarkroomError, match="twin"):
            darkroom.denoise(SMALL, request_id="twin", retry=Retry.OFF)
        darkroom.cancel("twin")
        with pytest.raises(Cancelled):
            first.result()


def test_a_deadline_nobody_can_meet(darkroom: Darkroom) -> None:
    started = time.monotonic()
    with pytest.raises((DeadlinePassed, Busy)):
        darkroom.super_resolution(LARGE, scale=2, deadline_s=0.3)
    assert time.monotonic() - started < 10


def test_a_busy_server_says_when_to_come_back(darkroom: Darkroom) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(darkroom.super_resolution, LARGE, scale=2, request_id=f"filler-{n}") for n in range(4)]
        assert _eventually(lambda: len(darkroom.jobs()) == 4)
        alone = darkroom.quote("super_resolution", LARGE, scale=2).work_s
        with pytest.raises(Busy) as caught:
            darkroom.super_resolution(LARGE, scale=2, deadline_s=1.6 * alone, retry=Retry.OFF)
        assert caught.value.retry_after_s > 0
        for n in range(4):
            darkroom.cancel(f"filler-{n}")
        assert all(isinstance(job.exception(), Cancelled) for job in jobs)


def test_threads_get_their_own_pictures(darkroom: Darkroom) -> None:
    """With one client for all of them: the picture's width tells whose it is."""

    def one(width: int) -> tuple[int, Result]:
        image = np.full((16, width, 3), width, np.uint8)
        return width, darkroom.denoise(image, strength=0, retry=Retry(tries=100))

    with ThreadPoolExecutor(16) as pool:
        for width, result in pool.map(one, range(16, 96)):
            assert result.pil().size == (width, 16)


async def test_many_at_once_on_a_loop(url: str) -> None:
    async with AsyncDarkroom(url) as darkroom:
        widths = range(16, 80)
        images = [np.full((16, width, 3), width, np.uint8) for width in widths]
        results = await asyncio.gather(*(darkroom.denoise(image, retry=Retry(tries=100)) for image in images))
        assert [result.pil().size[0] for result in results] == list(widths)


async def test_cancelling_a_task_cancels_the_job(url: str, slow_server: Server) -> None:
    async with AsyncDarkroom(url, admin_key=slow_server.admin_key) as darkroom:
        task = asyncio.create_task(darkroom.super_resolution(LARGE, scale=2, request_id="given-up"))
        states = darkroom.watch("given-up", interval_s=0.1)
        async for state in states:
            if state.state == "running":
                break
        await states.aclose()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(30):
            if not await darkroom.jobs():
                break
            await asyncio.sleep(0.05)
        assert await darkroom.jobs() == []


async def test_the_asynchronous_client_answers_the_same(url: str, slow_server: Server) -> None:
    async with AsyncDarkroom(url, admin_key=slow_server.admin_key) as darkroom:
        assert await darkroom.ready()
        assert (await darkroom.quote("denoise", SMALL)).units == 1
        assert {model.name for model in await darkroom.models()} >= {"denoise", "jobs", "super_resolution"}
        assert (await darkroom.model("denoise"))["metadata"]["name"] == "denoise"
        assert all(health.ok for health in await darkroom.health())
        assert not await darkroom.cancel("nothing")
        assert (await darkroom.state("nothing")).state == "unknown"
        assert len((await darkroom.totals()).engines) == 2


def test_looking_at_the_server(darkroom: Darkroom, url: str) -> None:
    assert darkroom.ready()
    assert [health.model for health in darkroom.health() if health.ok] == ["denoise", "jobs", "super_resolution"]
    assert int(darkroom.model("denoise")["config"]["max_batch_size"]) > 0
    assert {engine.task for engine in darkroom.totals().engines} == {"denoise", "super_resolution"}
    with Darkroom(url) as stranger:
        with pytest.raises(DarkroomError, match="admin"):
            stranger.jobs()
        assert {model.name for model in stranger.models()} == {"denoise", "jobs", "super_resolution"}


def test_a_custom_model_by_name(scratch: Path) -> None:
    with Server(scratch, config_name="cpu") as server:
        for url in (server.grpc_url, f"http://{server.http_url}"):
            with Darkroom(url) as darkroom:
                result = darkroom.run("echo", b"some bytes", amount=3)
                assert result.bytes == b"some bytes"
                assert result.report.raw["options"]["amount"] == 3
                # gRPC's own limit is 4 MB.
                large = RNG.bytes(20_000_000)
                assert darkroom.run("echo", large).bytes == large


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_job_lost_with_its_process(protocol: str) -> None:
    """The process that has the job is killed: told within 3 s, retried until the model is back."""
    simulate = {"DARKROOM_SIMULATE": "40,40"}
    # Triton waits in vain for the answers of lost jobs when it is stopped.
    with Server(models=["super_resolution", "jobs"], env=simulate, exit_timeout_s=1) as server:
        url = server.grpc_url if protocol == "grpc" else f"http://{server.http_url}"
        with Darkroom(url, admin_key=server.admin_key) as darkroom, ThreadPoolExecutor(2) as pool:
            once = pool.submit(darkroom.super_resolution, LARGE, scale=2, request_id="once", retry=Retry.OFF)
            stubborn = pool.submit(
                darkroom.super_resolution, LARGE, scale=2, request_id="stubborn", retry=Retry(tries=50, most_s=0.5)
            )
            assert _eventually(lambda: darkroom.state("once").held and darkroom.state("stubborn").held)
            _stub_of(server, "super_resolution").kill()
            killed = time.monotonic()
            with pytest.raises(LostJob, match="is gone"):
                once.result(timeout=10)
            assert time.monotonic() - killed < 20
            with pytest.raises(Unavailable):
                darkroom.super_resolution(SMALL, retry=Retry.OFF)
            _reload(server, "super_resolution")
            assert stubborn.result(timeout=30).request_id != "stubborn"


def test_a_reload_is_waited_for(slow_server: Server) -> None:
    with Darkroom(slow_server.grpc_url) as darkroom:
        client = _admin(slow_server)
        client.unload_model("denoise", headers=slow_server.admin_grpc_headers)
        loading = threading.Timer(0.5, client.load_model, ["denoise"], {"headers": slow_server.admin_grpc_headers})
        loading.start()
        try:
            assert darkroom.denoise(SMALL, retry=Retry(tries=50, most_s=0.5)).pil().size == (64, 48)
        finally:
            loading.join()


def _stub_of(server: Server, model: str) -> psutil.Process:
    for process in psutil.Process(server.pid).children(recursive=True):
        if any(model in argument for argument in process.cmdline()):
            return process
    raise AssertionError(f"no process serves {model}")


def _reload(server: Server, model: str) -> None:
    client = _admin(server)
    client.unload_model(model, headers=server.admin_grpc_headers)
    client.load_model(model, headers=server.admin_grpc_headers)


def _admin(server: Server):
    import tritonclient.grpc

    return tritonclient.grpc.InferenceServerClient(server.grpc_url)
