"""How the embedded server starts, fails and ends, on a scratch repository."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tritonclient.grpc
from echo_model import add_model, echo, post

from darkroom.server import Ports, Server, ServerError

pytestmark = pytest.mark.usefixtures("leaves_nothing")


@pytest.fixture
def running(scratch: Path) -> Iterator[Server]:
    with Server(scratch, config_name="cpu", exit_timeout_s=2) as server:
        yield server


def test_only_the_wanted_models_are_loaded_and_others_can_follow(scratch: Path) -> None:
    add_model(scratch, "second")
    with Server(scratch, models=["echo"], config_name="cpu") as server:
        client = tritonclient.grpc.InferenceServerClient(server.grpc_url)
        assert not client.is_model_ready("second")
        client.load_model("second", headers=server.admin_grpc_headers)
        assert client.is_model_ready("second")


def test_an_admin_key_of_the_operator(scratch: Path, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("an-operators-own-key\n")
    with Server(scratch, config_name="cpu", env={"DARKROOM_ADMIN_KEY_FILE": str(file)}) as server:
        assert (server.admin_key, server.admin_key_path) == ("an-operators-own-key", file)
        assert post(server, "/v2/repository/index", **server.admin_http_headers)[0] == 200


def test_a_model_that_does_not_load_is_named_with_its_own_reason(scratch: Path) -> None:
    add_model(scratch, "broken", code="import no_such_package\n")
    with pytest.raises(ServerError, match=r"^Model broken did not load: ModuleNotFoundError: No module named .*$"):
        Server(scratch, config_name="cpu").start()


def test_a_running_request_finishes_before_the_server_ends(running: Server) -> None:
    answers: list[dict[str, Any]] = []
    caller = threading.Thread(target=lambda: answers.append(echo(running, darkroom_sleep="1.5")))
    caller.start()
    time.sleep(0.5)
    running.stop()
    caller.join(10)
    assert len(answers) == 1


def test_a_killed_stub_does_not_keep_the_server_from_ending(running: Server) -> None:
    os.kill(echo(running)["pid"], signal.SIGKILL)
    begun = time.monotonic()
    running.stop()
    assert time.monotonic() - begun < 10


def test_a_server_started_by_a_thread_outlives_it(scratch: Path) -> None:
    server = Server(scratch, config_name="cpu")
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    try:
        time.sleep(0.2)
        assert echo(server)["pid"]
    finally:
        server.stop()


def test_a_taken_port_is_named_before_anything_starts(running: Server, scratch: Path) -> None:
    with pytest.raises(ServerError, match=rf"^Port {running.ports.http} on 127.0.0.1 is taken .* --http-port\.$"):
        Server(scratch, config_name="cpu", ports=Ports(http=running.ports.http)).start()
