"""Three machines behind the real HAProxy under the configuration that is shipped, over TLS: spread, killed, drained,
updated one after the other."""

import contextlib
import json
import shutil
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from darkroom_client import Darkroom, DarkroomError, NotAllowed, Retry, Tls
from gateway_process import gateway
from pictures import photo_file

from perf.balancer import NAMES, Balancer, balancer, network
from perf.harness import counters
from perf.machines import Machine, running, until
from tests.deploy.certificates import authority, issued

SMALL = photo_file(64, 64)
LARGE = photo_file(1400, 1100, "JPEG")
ASYNCHRONOUS = {"Prefer": "respond-async"}
MODELS = ("denoise", "jobs")
SETTLED_S = 2.0
"""Until a machine that was taken out has done what it had, and its counters, renewed every half second, say so."""


@dataclass(frozen=True)
class Fleet:
    """`machines` by their names in HAProxy's configuration."""

    balancer: Balancer
    machines: dict[str, Machine]
    ca: Path

    def client(self, retry: Retry | None = None, **headers: str) -> Darkroom:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Darkroom(f"grpcs://{self.balancer.grpc}", tls=Tls(ca=self.ca), retry=retry, headers=named)

    def http(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=str(self.ca))
        return httpx.Client(base_url=f"https://{self.balancer.http}", verify=trusted, timeout=60)

    def jobs_done(self) -> Counter[str]:
        """Pictures that each living machine answered so far."""
        pages = {name: f"http://{one.address}:8002/metrics" for name, one in self.machines.items() if one.healthy}
        return Counter({name: int(counters(page).get("darkroom_jobs_total", 0)) for name, page in pages.items()})

    def await_all(self) -> None:
        until(lambda: all(self.balancer.up(backend) == set(NAMES) for backend in ("triton_grpc", "triton_http")))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder, addresses = tmp_path_factory.mktemp("fleet"), network()
    ca = authority(folder)
    server = issued(ca, folder, "server")
    both = folder / "darkroom.pem"
    both.write_text(server.certificate.read_text() + server.key.read_text())
    machines = {name: Machine(f"{addresses}{11 + n}", folder / name, "20,8", MODELS) for n, name in enumerate(NAMES)}
    with running(list(machines.values())), balancer(folder, addresses, both) as front:
        fleet = Fleet(front, machines, ca.certificate)
        fleet.await_all()
        yield fleet


@dataclass
class Callers:
    """What became of calls that were sent all the while."""

    right: int = 0
    wrong: int = 0
    errors: list[DarkroomError] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    """Of the model, as the answers' reports name them."""


@contextlib.contextmanager
def callers(fleet: Fleet, retry: Retry | None = None, count: int = 6) -> Iterator[Callers]:
    """Callers in a closed loop until the end of the block, each with a connection of its own."""
    with fleet.client() as client:
        expected = client.denoise(SMALL, strength=15, deadline_s=60).bytes
    seen = Callers()
    done, lock = threading.Event(), threading.Lock()

    def call() -> None:
        with fleet.client(retry) as client:
            while not done.wait(0.05):
                try:
                    result = client.denoise(SMALL, strength=15, deadline_s=60)
                except DarkroomError as error:
                    with lock:
                        seen.errors.append(error)
                    continue
                with lock:
                    seen.right += result.bytes == expected
                    seen.wrong += result.bytes != expected
                    seen.versions[result.report.version] += 1

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_jobs_of_one_connection_go_to_all_machines(fleet: Fleet) -> None:
    before = fleet.jobs_done()
    with fleet.client() as client, ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda _: client.denoise(SMALL, strength=15, deadline_s=60).bytes, range(18)))
    assert len(set(answers)) == 1
    until(lambda: sum((fleet.jobs_done() - before).values()) >= len(answers))  # models publish once in a while
    done = fleet.jobs_done() - before
    assert all(done[name] >= 3 for name in NAMES), done


def test_the_same_over_http(fleet: Fleet) -> None:
    with fleet.http() as client:
        for _ in range(3):
            answer = client.post(
                "/v2/models/denoise/infer", content=LARGE, headers={"Inference-Header-Content-Length": "0"}
            )
            assert answer.status_code == 200, answer.text
            assert "gzip" in answer.request.headers["accept-encoding"]
            assert "content-encoding" not in answer.headers  # of a picture, which is compressed already


def test_administration_is_asked_of_one_machine_not_of_any(fleet: Fleet) -> None:
    key = fleet.machines["one"].key_file.read_text().strip()
    with (
        Darkroom(f"grpcs://{fleet.balancer.grpc}", tls=Tls(ca=fleet.ca), admin_key=key, retry=Retry.OFF) as client,
        pytest.raises(NotAllowed),
    ):
        client.models.load("denoise")
    with fleet.http() as client:
        for path in (
            "/v2/repository/index",
            "/v2/repository/models/denoise/load",
            "/v2/logging",
            "/v2/%72epository/index",
        ):
            assert client.post(path, headers={"darkroom-admin-key": key}).status_code == 403, path


def test_only_who_names_himself_may_ask_about_jobs_and_meets_his_own(fleet: Fleet) -> None:
    with fleet.client() as client, pytest.raises(NotAllowed):
        client.totals()
    with fleet.http() as client:
        assert client.post("/v2/models/jobs/infer", json={}).status_code == 403
    for caller in ("a", "b", "c"):
        seen = []
        with fleet.client(client_id=caller) as client:
            client.denoise(LARGE, strength=15, deadline_s=60, on_progress=seen.append)
        assert any(state.held for state in seen), seen


def test_busy_on_one_machine_is_tried_on_another(fleet: Fleet) -> None:
    request = {"Inference-Header-Content-Length": "0", "darkroom-deadline_s": "5", "darkroom-strength": "15"}
    busy = fleet.machines["one"].address
    with Darkroom(f"{busy}:8001", retry=Retry.OFF) as direct, ThreadPoolExecutor(16) as pool:
        work = [pool.submit(direct.denoise, LARGE, strength=15, deadline_s=120) for _ in range(16)]
        path = "/v2/models/denoise/infer"
        until(lambda: httpx.post(f"http://{busy}:8000{path}", content=LARGE, headers=request).status_code == 503)
        with fleet.http() as client:
            found = [client.post(path, content=LARGE, headers=request).status_code for _ in range(6)]
        refused = httpx.post(f"http://{busy}:8000{path}", content=LARGE, headers=request).status_code
        assert all(one.result() for one in work)
    assert refused == 503
    assert found == [200] * 6


def test_a_killed_machine_is_noticed_by_no_caller_and_its_return_by_the_balancer(fleet: Fleet) -> None:
    with callers(fleet) as seen:
        until(lambda: seen.right > 20)
        fleet.machines["two"].fail()
        until(lambda: "two" not in fleet.balancer.up("triton_grpc"))
        before = seen.right
        until(lambda: seen.right > before + 20)
        fleet.machines["two"].start()
        fleet.await_all()
        served = fleet.jobs_done()["two"]
        until(lambda: fleet.jobs_done()["two"] > served + 3)
    assert not seen.wrong
    assert not seen.errors


def test_a_machine_that_stops_finishes_what_it_has(fleet: Fleet) -> None:
    with callers(fleet) as seen:
        until(lambda: seen.right > 20)
        fleet.machines["three"].drain()
        until(lambda: "three" not in fleet.balancer.up("triton_grpc"))
        assert fleet.machines["three"].child.wait(60) == 0
        before = seen.right
        until(lambda: seen.right > before + 10)
        fleet.machines["three"].start()
        fleet.await_all()
    assert not seen.wrong
    assert not seen.errors


def test_an_operator_takes_a_machine_out_without_one_refusal(fleet: Fleet) -> None:
    with callers(fleet, Retry.OFF) as seen:
        until(lambda: seen.right > 10)
        for backend in ("triton_http", "gateways"):
            assert fleet.balancer.tell(f"set server {backend}/one state drain").strip() == ""
        until(lambda: "one" not in fleet.balancer.up("triton_grpc"))
        time.sleep(SETTLED_S)
        before, served = seen.right, fleet.jobs_done()["one"]
        until(lambda: seen.right > before + 60)
        assert fleet.jobs_done()["one"] <= served + 6  # canaries; its share would be 20
        for backend in ("triton_http", "gateways"):
            fleet.balancer.tell(f"set server {backend}/one state ready")
        fleet.await_all()
    assert not seen.wrong
    assert not seen.errors


def test_a_model_is_updated_machine_by_machine(fleet: Fleet) -> None:
    with callers(fleet, Retry.OFF) as seen:
        until(lambda: seen.right > 10)
        for machine in fleet.machines.values():
            folder = machine.repository / "denoise"
            shutil.copytree(folder / "1", folder / "2", ignore=shutil.ignore_patterns("__pycache__"))
            tuned = json.loads((folder / "2" / "pipeline.json").read_text())
            tuned["engine"]["max_batch"] = 16
            (folder / "2" / "pipeline.json").write_text(json.dumps(tuned))
            with Darkroom(f"{machine.address}:8001", admin_key=machine.key_file.read_text().strip()) as operator:
                operator.models.load("denoise")
        before = seen.versions["2"]
        until(lambda: seen.versions["2"] > before + 30)
    assert not seen.wrong
    assert not seen.errors
    with fleet.client() as client:
        assert {client.denoise(SMALL, strength=15, deadline_s=60).report.version for _ in range(6)} == {"2"}


def test_prometheus_is_told(fleet: Fleet) -> None:
    page = httpx.get(f"http://{fleet.balancer.metrics}/metrics").text
    assert 'haproxy_server_status{proxy="triton_grpc",server="one",state="UP"} 1' in page


def test_a_jobs_url_reaches_the_gateway_that_has_it(fleet: Fleet) -> None:
    with contextlib.ExitStack() as gateways:
        for name, machine in fleet.machines.items():
            where = ("--host", machine.address, "--port", "8080", "--name", name)
            gateways.enter_context(gateway(f"{machine.address}:8001", *where))
        until(lambda: fleet.balancer.up("gateways") == set(NAMES))
        trusted = ssl.create_default_context(cafile=str(fleet.ca))
        with httpx.Client(base_url=f"https://{fleet.balancer.rest}", verify=trusted, timeout=60) as client:
            started = [client.post("/v1/denoise?strength=15", content=SMALL, headers=ASYNCHRONOUS) for _ in range(6)]
            assert [answer.status_code for answer in started] == [202] * 6
            urls = [answer.headers["location"] for answer in started]
            assert {next(name for name in NAMES if f"/jobs/{name}" in url) for url in urls} == set(NAMES)
            for url in urls:
                until(lambda url=url: client.get(url).raise_for_status().json()["state"] == "done")
