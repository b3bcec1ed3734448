"""kill -9 of model processes: how soon does the model answer again, and who else notices?

Simulated device, 40 ms a batch and 2 ms a unit, all models served and supervised. Each model's process is killed, in
turns with nothing to do and with jobs in flight, while callers keep the other models busy and compare every answer.
Jobs in flight come from our Python client, which may try again, and through the REST gateway; what counts is how
long after the heal they have their answer or an error that says when to come back. Then tritonserver itself is
killed, and a process stopped (SIGSTOP). Reloads are not slowed down by the ones before, as they are in service.
"""

import argparse
import contextlib
import functools
import http.client
import os
import signal
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from darkroom_client import Darkroom, DarkroomError, Retry

from darkroom.board import BoardReader
from darkroom.server import Server
from darkroom.server.policy import Policy
from darkroom.server.status import Status
from darkroom.server.supervisor import Supervisor
from perf.gateway import running_gateway
from perf.harness import percentile, report, server
from perf.load import photo

SIMULATE = "40,2"
TASKS: Mapping[str, dict[str, Any]] = {
    "super_resolution": {"scale": 2},
    "denoise": {"strength": 15},
    "face_enhance": {},
    "image_to_image": {"prompt": "a watercolour", "steps": 8},
}
QUICK: Mapping[str, dict[str, Any]] = {**TASKS, "image_to_image": {"prompt": "a watercolour", "steps": 1}}
"""For the first answer after a heal: what counts is when the model answers, not how long its jobs take."""
SMALL = photo(128, 128, format="PNG")
LARGER = photo(640, 480)
POLICY = Policy(calm_s=0.0, first_pause_s=0.1)
HUNG_S = 120.0
_WRONG = "another answer"


@dataclass
class Bench:
    """One supervised server, and what became of the calls so far."""

    server: Server
    status: Status
    gateway: str
    right: dict[str, bytes] = field(default_factory=dict)
    others: int = 0
    others_bad: list[str] = field(default_factory=list)
    after_heal: dict[str, list[float]] = field(default_factory=lambda: {"client": [], "gateway": []})
    """Seconds from the heal until a caller with a job in flight knew; by way."""
    endings: dict[str, int] = field(default_factory=dict)
    """How those calls ended."""

    def heals(self, model: str) -> int:
        """Reloads of the model, and restarts of tritonserver, which bring it back too."""
        return self.status.heals(model) + self.status.server_restarts

    def process(self, model: str) -> psutil.Process:
        """The living process of a model."""
        for child in psutil.Process(self.server.pid).children():
            with contextlib.suppress(psutil.Error):
                if any(f"/{model}/" in part for part in child.cmdline()):
                    return child
        raise RuntimeError(f"{model} has no process")

    def answers_right(self, client: Darkroom, model: str) -> bool:
        if model == "jobs":
            return bool(client.totals().engines)
        return client.run(model, SMALL, deadline_s=60, **QUICK[model]).bytes == self.right[model]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each model, half of them with jobs in flight")
    parser.add_argument("--restarts", type=int, default=5, help="kills of tritonserver")
    parser.add_argument("--stops", type=int, default=3, help="processes stopped")
    parser.add_argument("--models", default=",".join([*TASKS, "jobs"]))
    arguments = parser.parse_args()
    models = arguments.models.split(",")
    status = Status()
    running = server([name for name in models if name != "jobs"], SIMULATE)
    with (
        running,
        Supervisor(running, POLICY, status),
        running_gateway(running.grpc_url) as (gateway, _),
    ):
        bench = Bench(running, status, gateway)
        _learn(bench, models)
        rows = [row for model in models for row in _kill_often(bench, model, models, arguments.kills)]
        rows += _others_and_callers(bench)
        rows.append(
            {"what": "tritonserver aborted when a model was killed", "count": status.server_restarts, "wanted": "0"}
        )
        rows.append(_row("a process stopped (SIGSTOP)", _stop_often(bench, models[0], arguments.stops), ""))
        rows.append(_row("tritonserver killed", _restart_often(bench, models[0], arguments.restarts), ""))
    report("heal", rows, endings=bench.endings, failed_answers=bench.others_bad[:20])


def _learn(bench: Bench, models: list[str]) -> None:
    """The right answers, and what every call will be compared with."""
    with Darkroom(bench.server.grpc_url) as client:
        for model in models:
            if model != "jobs":
                bench.right[model] = client.run(model, SMALL, deadline_s=60, **QUICK[model]).bytes
    _until(lambda: bench.status.healthy)


def _kill_often(bench: Bench, model: str, models: list[str], kills: int) -> list[dict[str, Any]]:
    idle, busy = [], []
    others = [name for name in models if name not in (model, "jobs")]
    with _callers(bench, others):
        for turn in range(kills):
            if turn % 2 and model != "jobs":
                busy.append(_kill_with_jobs(bench, model))
            else:
                idle.append(_time_to_heal(bench, model, lambda: bench.process(model).kill()))
    return [
        _row(f"{model}: killed, {what}", seconds) for what, seconds in (("idle", idle), ("with jobs", busy)) if seconds
    ]


def _time_to_heal(bench: Bench, model: str, harm: Callable[[], None]) -> float:
    """Seconds until the canary passes and the model gives the right answer."""
    heals, began = bench.heals(model), time.perf_counter()
    harm()
    _until(lambda: bench.heals(model) > heals)
    with Darkroom(bench.server.grpc_url, retry=Retry.OFF) as client:
        assert bench.answers_right(client, model), f"{model} gives another answer than before"
    seconds = time.perf_counter() - began
    time.sleep(0.5)
    return seconds


def _kill_with_jobs(bench: Bench, model: str) -> float:
    ends: list[tuple[str, float, str]] = []

    def call(way: str, send: Callable[[], str]) -> None:
        ending = send()
        ends.append((way, time.perf_counter(), f"{way}: {ending}"))

    ways = {"client": _by_client, "gateway": _by_gateway}
    threads = [
        threading.Thread(target=call, args=(way, lambda send=send: send(bench, model)))
        for way, send in ways.items()
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    board = BoardReader(bench.server.runtime_dir)
    _until(
        lambda: (
            len(ends) == len(threads)
            or any(one["task"] == model and one["jobs_running"] for one in board.engines() if one["alive"])
        )
    )
    began = time.perf_counter()
    seconds = _time_to_heal(bench, model, lambda: bench.process(model).kill())
    for thread in threads:
        thread.join(HUNG_S)
    assert len(ends) == len(threads), "a caller was left waiting"
    for way, ended, ending in ends:
        bench.after_heal[way].append(max(0.0, ended - began - seconds))
        bench.endings[ending] = bench.endings.get(ending, 0) + 1
    return seconds


def _by_client(bench: Bench, model: str) -> str:
    try:
        with Darkroom(bench.server.grpc_url) as client:
            client.run(model, LARGER, deadline_s=60, **TASKS[model])
    except DarkroomError as error:
        return f"{type(error).__name__}, {'retryable' if error.retryable else 'final'}"
    return "answer"


def _by_gateway(bench: Bench, model: str) -> str:
    options = urllib.parse.urlencode({"deadline_s": 60, **TASKS[model]})
    where = urllib.parse.urlsplit(bench.gateway)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=HUNG_S)
    edge = "darkroom-heal"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\n\r\n'
    body = head.encode() + LARGER + f"\r\n--{edge}--\r\n".encode()
    try:
        path = f"/v1/{model.replace('_', '-')}?{options}"
        connection.request("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
        answer = connection.getresponse()
        answer.read()
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()
    if answer.status == http.HTTPStatus.OK:
        return "answer"
    return f"{answer.status}, {'retryable' if answer.getheader('Retry-After') else 'final'}"


@contextlib.contextmanager
def _callers(bench: Bench, models: list[str]) -> Iterator[None]:
    """One caller a model, who never tries again and compares what comes."""
    stop = threading.Event()
    lock = threading.Lock()

    def run(model: str) -> None:
        with Darkroom(bench.server.grpc_url, retry=Retry.OFF) as client:
            while not stop.is_set():
                try:
                    bad = "" if bench.answers_right(client, model) else _WRONG
                except DarkroomError as error:
                    bad = str(error)
                with lock:
                    bench.others += 1
                    if bad:
                        bench.others_bad.append(f"{model}: {bad}")

    threads = [threading.Thread(target=run, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(HUNG_S)


def _stop_often(bench: Bench, model: str, stops: int) -> list[float]:
    return [_time_to_heal(bench, model, lambda: bench.process(model).suspend()) for _ in range(stops)]


def _restart_often(bench: Bench, model: str, restarts: int) -> list[float]:
    found = []
    for _ in range(restarts):
        count, began = bench.status.server_restarts, time.perf_counter()
        os.kill(bench.server.pid, signal.SIGKILL)
        _until(functools.partial(_came_back, bench, count))
        with Darkroom(bench.server.grpc_url, retry=Retry.OFF) as client:
            assert bench.answers_right(client, model)
        found.append(time.perf_counter() - began)
    return found


def _came_back(bench: Bench, restarts: int) -> bool:
    return bench.status.server_restarts > restarts and bench.status.healthy


def _others_and_callers(bench: Bench) -> list[dict[str, Any]]:
    rows = [
        {"what": "answers of the other models meanwhile", "count": bench.others, "wanted": ""},
        {"what": "of these wrong", "count": sum(bad.endswith(_WRONG) for bad in bench.others_bad), "wanted": "0"},
        {"what": "of these failed", "count": sum(not bad.endswith(_WRONG) for bad in bench.others_bad), "wanted": "0"},
    ]
    for way, seconds in bench.after_heal.items():
        if seconds:
            rows.append(_row(f"callers with a job in flight, {way}: after the heal", seconds, "p95 <= 3 s"))
    lost = sum(count for ending, count in bench.endings.items() if not ending.endswith(("answer", "retryable")))
    if bench.endings:
        rows.append({"what": "of these with neither answer nor retryable error", "count": lost, "wanted": "0"})
    return rows


def _row(what: str, seconds: list[float], wanted: str = "p95 <= 5 s") -> dict[str, Any]:
    found = {f"p{q} (s)" if q < 100 else "max (s)": percentile(seconds, q) for q in (50, 95, 100)}
    return {"what": what, "count": len(seconds), **found, "wanted": wanted}


def _until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + HUNG_S
    while not condition():
        if time.monotonic() > give_up:
            raise RuntimeError("It never happened: see out/perf/server.log.")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
