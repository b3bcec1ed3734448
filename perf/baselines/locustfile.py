"""Callers of `POST /process`, run by locust in an environment of its own; perf.before_after reads what they write.

Each sends its next photograph as soon as the last is settled. Whoever is refused waits as long as the answer says
(`Retry-After`, else a second) and sends the same photograph again. Settings come by the environment: PHOTOS (folder),
SECONDS (of load), REST_S (so long after it, refused photographs are still sent again), OUT (a line of JSON for every
photograph).
"""

import json
import os
import random
import time
from pathlib import Path

import gevent
from locust import HttpUser, constant, task

PHOTOS = [path.read_bytes() for path in sorted(Path(os.environ["PHOTOS"]).iterdir())]
SECONDS = float(os.environ["SECONDS"])
REST_S = float(os.environ["REST_S"])
OUT = Path(os.environ["OUT"]).open("w", buffering=1)  # noqa: SIM115 - open as long as locust runs
REFUSED = (429, 503)
HUNG_S = 300.0

random.seed(1)
started = time.monotonic()


class Caller(HttpUser):
    """One caller in a closed loop."""

    wait_time = constant(0)

    @task
    def restore(self) -> None:
        if left() <= 0:
            gevent.sleep(1.0)  # until locust stops us
            return
        photo = random.choice(PHOTOS)
        begun = time.monotonic()
        attempts: list[dict[str, float]] = []
        while True:
            sent = time.monotonic()
            status, retry_after_s = self.send(photo)
            now = time.monotonic()
            attempts.append({"status": status, "seconds": now - sent})
            if status not in REFUSED or left() + REST_S < retry_after_s:
                break
            gevent.sleep(retry_after_s)
        ended = time.monotonic()
        line = {"begun_s": begun - started, "ended_s": ended - started, "status": status, "attempts": attempts}
        OUT.write(json.dumps(line) + "\n")

    def send(self, photo: bytes) -> tuple[int, float]:
        """(HTTP status, seconds to wait before the next try); status 0 where no answer came."""
        with self.client.post(
            "/process", files={"file": ("photo.jpg", photo, "image/jpeg")}, timeout=HUNG_S, catch_response=True
        ) as response:
            response.success()  # statuses are counted by us
            return response.status_code, float(response.headers.get("Retry-After") or 1)


def left() -> float:
    return started + SECONDS - time.monotonic()
