"""The health page and the command that asks it."""

import json
import time
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from darkroom.server import ServerError, health
from darkroom.server.health_page import HealthPage
from darkroom.server.status import Status


@pytest.fixture
def status() -> Status:
    """A server that runs, with two models that answer."""
    status = Status()
    status.server = "running"
    for model in ("denoise", "jobs"):
        status.update(model, state="ok", versions=["1"], last_success=time.monotonic())
    return status


@pytest.fixture
def page(status: Status) -> Iterator[HealthPage]:
    page = HealthPage(status, "127.0.0.1", 0)
    yield page
    page.close()


def get(page: HealthPage, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{page.port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_healthy_is_200_with_what_is_known_of_every_model(page: HealthPage) -> None:
    code, text = get(page, "/healthz")
    content = json.loads(text)
    assert (code, content["healthy"], content["server"]) == (200, True, "running")
    assert set(content["models"]) == {"denoise", "jobs"}
    assert content["models"]["denoise"]["last_success_s_ago"] < 30


@pytest.mark.parametrize("state", ["starting", "failing", "healing", "down"])
def test_one_model_in_trouble_is_503_and_says_why(page: HealthPage, status: Status, state: str) -> None:
    status.update("denoise", state=state, why="its process died (signal 9)")
    code, text = get(page, "/healthz")
    assert code == 503
    assert json.loads(text)["models"]["denoise"]["why"] == "its process died (signal 9)"
    assert get(page, "/livez")[0] == 200
    assert 'darkroom_canary_ok{model="denoise"} 0' in get(page, "/metrics")[1]


@pytest.mark.parametrize("state", ["busy", "unloaded"])
def test_busy_and_unloaded_on_purpose_are_no_trouble(page: HealthPage, status: Status, state: str) -> None:
    status.update("denoise", state=state)
    assert get(page, "/healthz")[0] == 200


def test_a_server_that_restarts_or_drains_is_not_healthy(page: HealthPage, status: Status) -> None:
    status.server = "restarting"
    assert get(page, "/healthz")[0] == 503
    status.server, status.draining = "running", True
    code, text = get(page, "/healthz")
    assert (code, json.loads(text)["server"]) == (503, "draining")


def test_nothing_known_yet_is_not_healthy() -> None:
    status = Status()
    status.server = "running"
    assert not status.healthy


def test_metrics_count_heals_and_restarts(page: HealthPage, status: Status) -> None:
    status.healed("denoise")
    status.server_restarts = 2
    lines = get(page, "/metrics")[1].splitlines()
    assert 'darkroom_heals_total{model="denoise"} 1' in lines
    assert 'darkroom_heals_total{model="jobs"} 0' in lines
    assert "darkroom_server_restarts_total 2" in lines


def test_another_path_is_404(page: HealthPage) -> None:
    assert get(page, "/admin")[0] == 404


def test_a_taken_port_is_named(page: HealthPage, status: Status) -> None:
    with pytest.raises(ServerError, match=rf"^Port {page.port} on 127.0.0.1 .* --health-port\.$"):
        HealthPage(status, "127.0.0.1", page.port)


def test_the_command_tells_by_its_exit_status(
    page: HealthPage, status: Status, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{page.port}/healthz"
    assert health.main(["--url", url]) == 0
    status.update("denoise", state="down", why="it does not load")
    assert health.main(["--url", url]) == 1
    assert "it does not load" in capsys.readouterr().out
    page.close()
    assert health.main(["--url", url]) == 1
    assert "does not answer" in capsys.readouterr().out
