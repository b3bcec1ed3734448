"""Updating models on a real server under load: nothing fails, and whoever asks for a version gets it."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from darkroom_client import (
    AsyncDarkroom,
    BadOption,
    Darkroom,
    DarkroomError,
    LoadFailed,
    NotAllowed,
    NotServed,
    Result,
    Retry,
    Unavailable,
)
from pictures import photo_file
from wire import until

from darkroom.server import Server
from perf.versions import copy_repository, publish_copy

PHOTO = photo_file(200, 150, "JPEG")
POSTER = photo_file(1600, 1200, "JPEG")


@dataclass(frozen=True)
class Served:
    """A scratch repository of two tasks, and the server that serves it from a simulated device."""

    server: Server
    repository: Path

    def client(self, scheme: str = "grpc", key: str | None = None, **options: object) -> Darkroom:
        url = self.server.grpc_url if scheme == "grpc" else f"http://{self.server.http_url}"
        return Darkroom(url, admin_key=self.server.admin_key if key is None else key, **options)

    def publish(self, model: str = "denoise") -> int:
        return publish_copy(self.repository / model)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    repository = copy_repository(tmp_path_factory.mktemp("models") / "repository", ["denoise", "super_resolution"])
    with Server(
        repository, models=["denoise", "jobs"], config_name="simulated", env={"DARKROOM_SIMULATE": "10,4"}
    ) as server:
        yield Served(server, repository)


@pytest.fixture
def darkroom(served: Served) -> Iterator[Darkroom]:
    """Starts from two versions, the newest served."""
    served.publish()
    with served.client() as client:
        client.models.load("denoise")
        yield client
        client.models.load("denoise")


@contextmanager
def callers(served: Served, count: int = 4) -> Iterator[list[Result | DarkroomError]]:
    """Answers and errors of callers who never try again, over both protocols, until the block ends."""
    outcomes: list[Result | DarkroomError] = []
    stop = threading.Event()

    def call(scheme: str) -> None:
        with served.client(scheme, retry=Retry.OFF) as client:
            while not stop.is_set():
                try:
                    outcomes.append(client.denoise(PHOTO, deadline_s=60))
                except DarkroomError as error:
                    outcomes.append(error)

    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(call, ("grpc", "http")[number % 2]) for number in range(count)]
        try:
            until(lambda: len(outcomes) > count)
            yield outcomes
        finally:
            stop.set()
    for each in running:
        each.result()


def versions(outcomes: list[Result | DarkroomError]) -> set[str]:
    failed = [outcome for outcome in outcomes if isinstance(outcome, DarkroomError)]
    assert not failed, failed[0]
    return {str(outcome.report.version) for outcome in outcomes if isinstance(outcome, Result)}


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_an_update_and_a_rollback_fail_nobody(served: Served, darkroom: Darkroom, scheme: str) -> None:
    with served.client(scheme) as operator, callers(served) as outcomes:
        new = served.publish()
        change = operator.models.load("denoise")
        assert (change.before.served, change.after.served) == ((new - 1,), (new,))
        until(lambda: not isinstance(outcomes[-1], Result) or outcomes[-1].report.version == str(new))
        assert operator.models.rollback("denoise").after.served == (new - 1,)
        assert {operator.denoise(PHOTO).report.version for _ in range(4)} == {str(new - 1)}
        switched = len(outcomes)
        until(lambda: len(outcomes) > switched + 20)
    assert versions(outcomes) == {str(new - 1), str(new)}
    pictures = {outcome.bytes for outcome in outcomes if isinstance(outcome, Result)}
    assert len(pictures) == 1


def test_a_pin_outlives_what_is_published_and_hides_it_loudly(served: Served, darkroom: Darkroom) -> None:
    (before,) = darkroom.models.overview("denoise")
    pinned = before.served[0]
    change = darkroom.models.pin("denoise", pinned)
    assert change.after.pinned, "a pin to what is served already must show too: a supervisor looks at the policy"
    newer = served.publish()
    (seen,) = darkroom.models.overview("denoise")
    assert (seen.served, seen.newer) == ((pinned,), newer)
    assert seen.note == f"version {newer} is newer and hidden by the pin"
    assert darkroom.denoise(PHOTO).report.version == str(pinned)
    change = darkroom.models.unpin("denoise")
    assert (change.after.served, change.after.pinned, change.after.note) == ((newer,), False, "")


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_two_versions_side_by_side(served: Served, darkroom: Darkroom, scheme: str) -> None:
    old, new = darkroom.models.overview("denoise")[0].published[-2:]
    with served.client(scheme) as client:
        assert client.models.load("denoise", old, new).after.served == (old, new)

        def done() -> dict[str, int] | None:
            """Jobs by version; None while a process that was replaced is still there."""
            alive = [engine for engine in client.totals().engines if engine.alive and engine.task == "denoise"]
            counts = {engine.version: engine.raw["outcomes"].get("ok", 0) for engine in alive}
            return counts if len(alive) == len(counts) == 2 and all(counts.values()) else None

        before = until(done)  # Triton's own warm-up request of each
        for version in (old, new):
            assert client.denoise(PHOTO, model_version=version).report.version == str(version)
        assert client.denoise(PHOTO).report.version == str(new)
        until(lambda: done() == {str(old): before[str(old)] + 1, str(new): before[str(new)] + 2})
        with pytest.raises(BadOption, match="has no version 98"):
            client.models.load("denoise", new, 98)
        with pytest.raises(DarkroomError):
            client.denoise(PHOTO, model_version=98, retry=Retry.OFF)


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_a_broken_version_leaves_the_old_one_serving(served: Served, darkroom: Darkroom, scheme: str) -> None:
    good = darkroom.models.overview("denoise")[0].served[-1]
    broken = served.publish()
    model = served.repository / "denoise" / str(broken) / "model.py"
    model.unlink()  # a hard link: writing to it would break the good version too
    model.write_text("raise RuntimeError('this version is broken')\n")
    try:
        with served.client(scheme) as operator, callers(served) as outcomes:
            for change in (
                lambda: operator.models.load("denoise"),
                lambda: operator.models.pin("denoise", broken),
                lambda: operator.models.load("denoise", good, broken),
            ):
                with pytest.raises(LoadFailed, match=rf"this version is broken.*\({good}\) goes on"):
                    change()
            (seen,) = operator.models.overview("denoise")
            assert (seen.served, seen.newer) == ((good,), broken)
            assert "this version is broken" in seen.reason
        assert versions(outcomes) == {str(good)}
    finally:
        shutil.rmtree(model.parent)


def test_jobs_in_work_finish_on_their_version(served: Served, darkroom: Darkroom) -> None:
    old = darkroom.models.overview("denoise")[0].served[-1]
    with ThreadPoolExecutor(8) as pool:
        long = [pool.submit(darkroom.denoise, POSTER, request_id=f"long-{n}", deadline_s=120) for n in range(6)]
        until(lambda: darkroom.state("long-5").held)
        new = served.publish()
        darkroom.models.load("denoise")
        assert _running(long), "the jobs were done before the new version came: this proves nothing"
        assert darkroom.denoise(PHOTO).report.version == str(new)
        assert {job.result().report.version for job in long} == {str(old)}


def test_unload_finishes_jobs_and_a_caller_who_tries_again_is_served_after_the_load(
    served: Served, darkroom: Darkroom
) -> None:
    with ThreadPoolExecutor(8) as pool:
        long = [pool.submit(darkroom.denoise, POSTER, request_id=f"work-{n}", deadline_s=120) for n in range(3)]
        until(lambda: darkroom.state("work-2").held)
        assert darkroom.models.unload("denoise").after.served == ()
        assert _running(long)
        with pytest.raises(Unavailable):
            darkroom.denoise(PHOTO, retry=Retry.OFF)
        patient = pool.submit(darkroom.denoise, PHOTO, retry=Retry(tries=50), deadline_s=120)
        assert len({job.result().report.version for job in long}) == 1
        assert not patient.done()
        darkroom.models.load("denoise")
        assert patient.result().report.version == str(darkroom.models.overview("denoise")[0].served[-1])


def _running(jobs: list[Future[Result]]) -> bool:
    return any(not job.done() for job in jobs)


async def test_a_model_nobody_asked_for_is_listed_and_loads(served: Served, darkroom: Darkroom) -> None:
    async with AsyncDarkroom(f"http://{served.server.http_url}", admin_key=served.server.admin_key) as client:
        (seen,) = await client.models.overview("super_resolution")
        assert (seen.state, seen.served, seen.published) == ("NOT LOADED", (), (1,))
        assert (await client.models.pin("super_resolution", 1)).after.pinned
        assert (await client.super_resolution(PHOTO)).report.version == "1"
        with pytest.raises(BadOption, match="no version before 1"):
            await client.models.rollback("super_resolution")
        assert (await client.models.unload("super_resolution")).after.served == ()


@pytest.mark.parametrize("scheme", ["grpc", "http"])
@pytest.mark.parametrize(("key", "says"), [("", "none was given"), ("guessed-by-a-stranger", "the one given is not")])
def test_strangers_change_nothing(served: Served, darkroom: Darkroom, scheme: str, key: str, says: str) -> None:
    with served.client(scheme, key=key) as stranger:
        for change in (stranger.models.overview, lambda: stranger.models.unload("denoise")):
            with pytest.raises(NotAllowed, match=says):
                change()
    with pytest.raises(NotServed, match="the repository has denoise, jobs, super_resolution"):
        darkroom.models.load("colourise")
    assert darkroom.models.overview("denoise")[0].served


def test_memory_is_looked_at(served: Served, darkroom: Darkroom) -> None:
    (seen,) = darkroom.models.overview("denoise")
    assert seen.available_bytes is not None
    assert 30 * 2**20 < seen.memory[seen.served[-1]] < seen.available_bytes
