"""The two services that Darkroom is measured against do what the article says they did."""

import asyncio
import threading
import time
from types import ModuleType

import httpx
import numpy as np
import pytest

from perf.baselines import after, before
from perf.load import photo

PHOTO = photo(32, 32)


class SlowRecipe:
    """Takes the time of a network, and counts how often it was loaded and how many ran at once."""

    loaded = 0
    at_once = 0
    most_at_once = 0
    seconds = 0.05
    lock = threading.Lock()

    def __init__(self) -> None:
        type(self).loaded += 1

    def compute(self, pixels: np.ndarray) -> np.ndarray:
        with self.lock:
            type(self).at_once += 1
            type(self).most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        with self.lock:
            type(self).at_once -= 1
        return pixels

    def run(self, data: bytes) -> bytes:
        self.compute(np.empty(0))
        return data


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> type[SlowRecipe]:
    fresh = type("FreshRecipe", (SlowRecipe,), {"loaded": 0, "at_once": 0, "most_at_once": 0})
    monkeypatch.setattr(before, "Recipe", fresh)
    monkeypatch.setattr(after, "Recipe", fresh)
    monkeypatch.setenv("GATEWAY_TIMEOUT_S", "30")
    return fresh


async def ask(service: ModuleType, count: int) -> list[httpx.Response]:
    app = service.create()
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60) as client:
            asked = (client.post("/process", files={"file": ("photo.jpg", PHOTO)}) for _ in range(count))
            return list(await asyncio.gather(*asked))


async def test_before_loads_the_model_for_everyone_and_runs_one_by_one(recipe: type[SlowRecipe]) -> None:
    answers = await ask(before, 6)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert recipe.loaded == 6
    assert recipe.most_at_once == 1


async def test_before_times_out_and_goes_on_computing(
    recipe: type[SlowRecipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TIMEOUT_S", "0.2")
    recipe.seconds = 0.3
    answers = await ask(before, 3)
    assert [answer.status_code for answer in answers] == [504] * 3
    give_up = time.monotonic() + 60
    while recipe.loaded < 3 or recipe.at_once:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)


async def test_after_keeps_one_model_and_refuses_the_thirteenth(recipe: type[SlowRecipe]) -> None:
    recipe.seconds = 0.2
    answers = await ask(after, after.QUEUE + after.WORKERS + 10)
    statuses = [answer.status_code for answer in answers]
    assert recipe.loaded == 1
    assert recipe.most_at_once == 1
    assert set(statuses) == {200, 429}
    # those who come before the first worker has looked find the queue alone
    assert after.QUEUE <= statuses.count(200) <= after.QUEUE + after.WORKERS
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json() == {"detail": "Server busy"}
    assert float(refused.headers["Retry-After"]) > 0


async def test_after_answers_in_the_callers_format(recipe: type[SlowRecipe]) -> None:
    (answer,) = await ask(after, 1)
    assert answer.content.startswith(b"\xff\xd8")


async def test_after_survives_a_broken_picture(recipe: type[SlowRecipe]) -> None:
    app = after.create()
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60) as client:
            for _ in range(after.WORKERS + 1):
                broken = await client.post("/process", files={"file": ("photo.jpg", b"no picture")})
                assert broken.status_code == 500
            whole = await client.post("/process", files={"file": ("photo.jpg", PHOTO)})
            assert whole.status_code == 200
