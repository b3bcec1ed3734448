"""What the servers are put through: closed loops, overload, thumbnails among photos. The same seeds for all."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from perf.harness import percentile, tree_rss
from perf.load import Outcome, Shot, photo, poisson
from perf.peers.house import House, reason_of

SIZES = (96, 128, 192, 256, 384)
PATIENCE_S = 120.0
"""How long a caller of a closed loop waits at most."""


@dataclass(frozen=True)
class Scale:
    """How large a scenario is on one device."""

    seconds: float
    photo: tuple[int, int]
    """Width and height of the large photos."""
    thumbnail_every_s: float
    deadline_s: float
    """What a caller waits for in overload."""


Figures = dict[str, float | int]


async def closed(house: House, callers: int, seconds: float) -> Figures:
    """`callers` callers with mixed photos, each sending the next as soon as it was answered."""
    outcomes, elapsed = await _closed(house, callers, seconds, _mixed(7))
    good = _seconds(outcomes, "ok")
    rate = len(good) / elapsed
    return {"images/s": rate, "p50 (s)": percentile(good, 50), "p99 (s)": percentile(good, 99), **_lost(outcomes)}


async def thumbnails(house: House, scale: Scale) -> Figures:
    """Three callers keep three photos in work; a thumbnail comes at fixed times."""
    width, height = scale.photo
    data = photo(width, height)
    big = asyncio.create_task(_closed(house, 3, scale.seconds, lambda: data))
    count = int(scale.seconds / scale.thumbnail_every_s)
    shots = [Shot((i + 0.5) * scale.thumbnail_every_s, photo(96, 96)) for i in range(count)]
    small = await _open(house, shots, PATIENCE_S)
    photos, elapsed = await big
    waits = _seconds(small, "ok")
    return {
        "photos/s": len(_seconds(photos, "ok")) / elapsed,
        "thumbnail p50 (s)": percentile(waits, 50),
        "thumbnail p99 (s)": percentile(waits, 99),
        **_lost([*photos, *small]),
    }


async def overload(house: House, rate: float, scale: Scale) -> Figures:
    """`rate` requests a second, open loop; who waits longer than the deadline has gone."""
    pick = _mixed(11)
    shots = [Shot(at, pick()) for at in poisson(rate, scale.seconds, seed=3)]
    outcomes = await _open(house, shots, scale.deadline_s)
    # the last ones have until their deadline, but what is served after the load has ended is no throughput under it
    in_time = [o for o in outcomes if o.reason == "ok" and o.started_s + o.seconds <= scale.seconds]
    refused = _seconds(outcomes, "busy")
    late = [o for o in outcomes if o.reason in ("client_timeout", "deadline")]
    return {
        "offered/s": len(outcomes) / scale.seconds,
        "served/s": len(in_time) / scale.seconds,
        "served p99 (s)": percentile(_seconds(outcomes, "ok"), 99),
        "refused (%)": 100 * len(refused) / len(outcomes),
        "refusal p50 (ms)": 1000 * percentile(refused, 50),
        "timeouts (%)": 100 * len(late) / len(outcomes),
        "failed": len(outcomes) - len(_seconds(outcomes, "ok")) - len(refused) - len(late),
    }


class Memory:
    """The highest memory of a server's processes, sampled once a second (PSS, bytes)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.highest = tree_rss(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._ended.wait(1.0):
            self.highest = max(self.highest, tree_rss(self._pid))

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self.highest


async def _closed(house: House, callers: int, seconds: float, pick: Callable[[], bytes]) -> tuple[list[Outcome], float]:
    """Outcomes, and the seconds until the last one."""
    outcomes: list[Outcome] = []
    async with _session() as session:
        started = time.perf_counter()

        async def call() -> None:
            while time.perf_counter() - started < seconds:
                outcomes.append(await _send(session, house, Shot(0, pick()), started, PATIENCE_S))

        await asyncio.gather(*(call() for _ in range(callers)))
        return outcomes, time.perf_counter() - started


async def _open(house: House, shots: list[Shot], patience_s: float) -> list[Outcome]:
    async with _session() as session:
        started = time.perf_counter()

        async def fire(shot: Shot) -> Outcome:
            await asyncio.sleep(max(0.0, started + shot.at_s - time.perf_counter()))
            return await _send(session, house, shot, started, patience_s)

        return list(await asyncio.gather(*(fire(shot) for shot in shots)))


async def _send(session: aiohttp.ClientSession, house: House, shot: Shot, started: float, patience_s: float) -> Outcome:
    begun = time.perf_counter()
    outcome = Outcome(shot, 0.0, begun - started, max(0.0, begun - started - shot.at_s))
    try:
        timeout = aiohttp.ClientTimeout(total=patience_s)
        async with session.post(house.url, timeout=timeout, **house.ask(shot.data)) as answer:
            body = await answer.read()
            outcome.reason = reason_of(answer.status, body)
            outcome.bytes_out = len(body)
    except TimeoutError:
        outcome.reason = "client_timeout"
    except aiohttp.ClientError as error:
        outcome.reason = type(error).__name__
    outcome.seconds = time.perf_counter() - begun
    return outcome


def _session() -> aiohttp.ClientSession:
    # aiohttp offers gzip by itself, and Triton takes the offer: 9 ms of its processor for a JPEG that stays as large
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers={"Accept-Encoding": "identity"})


def _mixed(seed: int) -> Callable[[], bytes]:
    """A picker of mixed photos: the same sequence for every server."""
    rng = random.Random(seed)

    def pick() -> bytes:
        side = rng.choice(SIZES)
        return photo(side, side, seed=rng.randrange(8))

    return pick


def _seconds(outcomes: list[Outcome], reason: str) -> list[float]:
    return [outcome.seconds for outcome in outcomes if outcome.reason == reason]


def _lost(outcomes: list[Outcome]) -> Figures:
    return {"not served": len(outcomes) - len(_seconds(outcomes, "ok"))}
