"""The supervisor on a real server: what it heals, what it leaves alone, and what it says."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from darkroom_client import Darkroom, Result
from echo_model import ECHO, add_model, echo, post
from pictures import photo_file
from supervised import BRISK, Supervised, callers, supervised
from wire import Answer, Call, ask, grpc, until

from darkroom.server import Server
from darkroom.server.policy import Policy

PHOTO = photo_file(300, 200, "JPEG")
DENOISE = Call(PHOTO, task="denoise", options={"strength": 15})
POSTER = photo_file(1600, 1200, "JPEG")
ENLARGE = Call(photo_file(64, 64), options={"scale": 2})


@pytest.fixture(scope="module")
def running() -> Iterator[Supervised]:
    server = Server(
        models=["denoise", "super_resolution", "jobs"],
        config_name="simulated",
        env={"DARKROOM_SIMULATE": "10,4"},
        exit_timeout_s=1,  # jobs that died with their process keep tritonserver from ending
    )
    with supervised(server) as running:
        until(running.healthy)
        yield running


def send_poster(running: Supervised) -> Result:
    """A job of a second or two through our own client, which tries again."""
    with Darkroom(running.server.grpc_url) as client:
        return client.denoise(POSTER, deadline_s=100, strength=15)


def busy(running: Supervised) -> bool:
    return any(engine["jobs_running"] for engine in ask(running.server, {"action": "totals"})["engines"])


def test_a_killed_model_process_is_replaced_and_the_others_do_not_notice(running: Supervised) -> None:
    before = grpc(running.server, DENOISE).image
    heals, dead = running.heals("denoise"), running.stub("denoise")
    regions = set(Path("/dev/shm").glob(f"{running.server.runtime_dir.name}-*"))
    seen: set[int] = set()
    with callers(running.server, ENLARGE, ENLARGE) as others:
        until(lambda: others)
        dead.kill()

        def healed() -> bool:
            seen.add(running.health()[0])
            return running.heals("denoise") > heals

        until(healed)
        assert grpc(running.server, DENOISE).image == before
        count = len(others)
        until(lambda: len(others) > count + 2)
    assert {answer.image if isinstance(answer, Answer) else answer for answer in others} == {
        grpc(running.server, ENLARGE).image
    }
    until(running.healthy)
    assert seen == {200, 503}
    assert running.said("denoise: its process died (signal 9); reloading (1 of 5).")
    assert running.said("denoise: answers again after ")
    assert {engine["alive"] for engine in ask(running.server, {"action": "totals"})["engines"]} == {True}
    assert len(set(Path("/dev/shm").glob(f"{running.server.runtime_dir.name}-*"))) <= len(regions)
    assert not running.said("super_resolution")


def test_a_call_whose_job_died_is_sent_again_by_our_client(running: Supervised) -> None:
    heals = running.heals("denoise")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(send_poster, running)
        until(lambda: busy(running))
        running.stub("denoise").kill()
        assert answer.result(120).pil().size == (1600, 1200)
    until(lambda: running.heals("denoise") > heals)


def test_a_stopped_process_is_killed_and_replaced_even_with_a_job(running: Supervised) -> None:
    heals, process = running.heals("denoise"), running.stub("denoise")
    with callers(running.server, ENLARGE) as others, ThreadPoolExecutor() as pool:
        answer = pool.submit(send_poster, running)
        until(lambda: busy(running))
        process.suspend()
        until(lambda: running.heals("denoise") > heals)
        assert answer.result(120).pil().size == (1600, 1200)
    assert all(isinstance(answer, Answer) for answer in others)
    assert running.said("denoise: its process ", "; reloading")
    assert running.stub("denoise").pid != process.pid
    assert grpc(running.server, DENOISE).image


def test_health_stays_good_while_more_is_asked_than_can_be_done(running: Supervised) -> None:
    poster = Call(photo_file(800, 600, "JPEG"), task="denoise", options={"strength": 15})
    with callers(running.server, *[poster] * 16) as outcomes:
        until(lambda: outcomes)
        count = len(outcomes)
        answers = []
        until(lambda: answers.append(running.health()) or len(outcomes) > count + 16)
    assert {status for status, _ in answers} == {200}, answers


def test_a_killed_tritonserver_comes_back_on_the_same_ports(running: Supervised) -> None:
    server = running.server
    ports, key, pid = server.ports, server.admin_key_path.read_text(), server.pid
    engines = {engine["start_id"] for engine in ask(server, {"action": "totals"})["engines"]}
    os.kill(pid, signal.SIGKILL)
    until(lambda: running.status.server_restarts == 1 and running.healthy())
    assert (server.ports, server.admin_key_path.read_text()) == (ports, key)
    assert server.pid != pid
    assert not engines & {engine["start_id"] for engine in ask(server, {"action": "totals"})["engines"]}
    assert grpc(server, DENOISE).image
    assert running.said("tritonserver ended by itself (signal 9); restarting (1 of 5).")


def test_an_unloaded_model_stays_unloaded(running: Supervised) -> None:
    server, heals = running.server, running.heals("super_resolution")
    assert post(server, "/v2/repository/models/super_resolution/unload", **server.admin_http_headers)[0] == 200
    until(lambda: running.health()[1]["models"]["super_resolution"]["state"] == "unloaded")
    assert running.healthy()
    server.api.load("super_resolution", None, 60)
    until(lambda: running.health()[1]["models"]["super_resolution"]["state"] == "ok")
    assert running.heals("super_resolution") == heals


REFUSES_ON = "        if os.environ"
FRAGILE = ECHO.replace(
    REFUSES_ON,
    '        if os.path.exists(args["model_repository"] + "/broken"):\n            raise RuntimeError("broken")\n'
    + REFUSES_ON,
)


def test_a_model_that_does_not_load_any_more_is_given_up_until_somebody_loads_it(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    fragile = add_model(repository, "fragile", FRAGILE)
    add_model(repository)
    policy = Policy(reloads=2, first_pause_s=0.1)
    with supervised(Server(repository, config_name="cpu", exit_timeout_s=1), policy) as running:
        until(running.healthy)
        (fragile / "broken").touch()
        running.stub("fragile").kill()
        until(lambda: running.said("fragile: ", "given up after 2 reloads", "darkroom models load fragile"))
        code, page = running.health()
        assert (code, page["models"]["fragile"]["state"], page["models"]["echo"]["state"]) == (503, "down", "ok")
        assert "broken" in page["models"]["fragile"]["why"]
        assert echo(running.server)["pid"]
        (fragile / "broken").unlink()
        running.server.api.load("fragile", None, 60)
        until(running.healthy)
        running.stub("fragile").kill()
        until(lambda: running.heals("fragile") == 1)


def test_a_server_that_does_not_start_any_more_ends_the_supervisor(scratch: Path) -> None:
    policy = Policy(restarts=2, first_pause_s=0.1)
    server = Server(scratch, config_name="cpu", exit_timeout_s=1)
    with supervised(server, policy) as running:
        until(running.healthy)
        (scratch / "echo" / "1" / "model.py").write_text("import no_such_package\n")
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: running.said("given up after 2 restarts"))
        until(lambda: running.health()[1]["server"] == "gone")
        assert running.said("tritonserver did not start: Model echo did not load")


def served(running: Supervised) -> set[str]:
    return {one.version for one in running.server.api.index(30) if one.model == "echo" and one.state == "READY"}


def test_a_pin_survives_a_heal_a_restart_and_a_new_start(tmp_path: Path) -> None:
    repository, state = tmp_path / "repository", tmp_path / "state"
    model = add_model(repository)
    (model / "2").mkdir()
    (model / "2" / "model.py").write_text(ECHO)

    def server() -> Server:
        return Server(repository, config_name="cpu", exit_timeout_s=1)

    with supervised(server(), state=state) as running:
        until(running.healthy)
        assert served(running) == {"2"}
        pinned = {**running.server.api.config("echo", 30), "version_policy": {"specific": {"versions": [1]}}}
        running.server.api.load("echo", pinned, 60)
        until(lambda: (state / "pins.json").exists())
        running.stub("echo").kill()
        until(lambda: running.heals("echo"))
        assert served(running) == {"1"}
        os.kill(running.server.pid, signal.SIGKILL)
        until(lambda: running.status.server_restarts == 1 and running.healthy())
        assert served(running) == {"1"}
    with supervised(server(), state=state) as running:
        assert served(running) == {"1"}
        assert "echo: pinned to version 1; version 2 is newer and is not served." in running.server.log_path.read_text()
        newest = {**pinned, "version_policy": {"latest": {"num_versions": 1}}}
        running.server.api.load("echo", newest, 60)
        until(lambda: (state / "pins.json").read_text().strip() == "{}")
    with supervised(server(), BRISK, state) as running:
        assert served(running) == {"2"}
