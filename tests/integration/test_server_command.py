"""`python -m darkroom.server` in the foreground: what it prints, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest
from wire import until

from darkroom.server.runtime import sweep

pytestmark = pytest.mark.usefixtures("leaves_nothing")

FREE_PORTS = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0", "--health-port", "0")
COMMAND = (sys.executable, "-m", "darkroom.server", "--config-name", "cpu", *FREE_PORTS)


class Command:
    """The command and the line it prints when it is ready."""

    def __init__(self, repository: Path, *more: str, **env: str) -> None:
        state = ("--state-dir", str(repository.parent / "state"))
        self.popen = subprocess.Popen(
            [*COMMAND, *state, "--exit-timeout", "2", "--repository", str(repository), *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        assert self.popen.stdout is not None
        self.ready = self.popen.stdout.readline()

    def tree(self) -> list[psutil.Process]:
        """tritonserver and its stubs."""
        return psutil.Process(self.popen.pid).children(recursive=True)


@pytest.fixture
def command(scratch: Path) -> Iterator[Command]:
    running = Command(scratch)
    yield running
    if running.popen.returncode is None:
        running.popen.terminate()
        running.popen.communicate()


def test_one_line_says_that_it_is_ready_and_where(command: Command) -> None:
    assert re.fullmatch(
        r"Ready \(cpu\): HTTP 127\.0\.0\.1:\d+, gRPC 127\.0\.0\.1:\d+, metrics http://127\.0\.0\.1:\d+/metrics; "
        r"health http://127\.0\.0\.1:\d+/healthz; models echo; admin key in /\S+/admin\.key\n",
        command.ready,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_all_its_processes(command: Command, number: signal.Signals) -> None:
    tree = command.tree()
    assert len(tree) >= 2
    command.popen.send_signal(number)
    assert command.popen.wait(10) == 0
    assert not [process for process in tree if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_a_second_signal_ends_it_at_once(scratch: Path) -> None:
    command = Command(scratch)
    for process in command.tree():
        process.suspend()  # as good as hung: it would not end by itself
    command.popen.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    begun = time.monotonic()
    command.popen.send_signal(signal.SIGTERM)
    assert command.popen.wait(10) == 0
    assert time.monotonic() - begun < 8
    command.popen.communicate()


def test_when_it_is_killed_its_processes_die_and_the_next_start_sweeps_up(command: Command) -> None:
    tree = command.tree()
    match = re.search(r"admin key in (\S+)/admin\.key", command.ready)
    assert match
    runtime = Path(match[1])
    command.popen.kill()
    _, alive = psutil.wait_procs(tree, timeout=15)
    assert not alive
    assert runtime.is_dir()
    sweep(runtime.parent)
    assert not runtime.exists()
    assert not list(Path("/dev/shm").glob(f"{runtime.name}-*"))


def test_unsupervised_it_ends_when_tritonserver_does(scratch: Path) -> None:
    command = Command(scratch, "--no-supervise")
    assert "health" not in command.ready
    command.tree()[0].kill()
    assert command.popen.wait(10) == 1
    assert "tritonserver ended by itself" in command.popen.communicate()[1]


def test_a_model_that_does_not_load_ends_it_with_the_reason(scratch: Path) -> None:
    command = Command(scratch, ECHO_REFUSES="The network span_x4 is damaged.")
    assert command.ready == ""
    _, errors = command.popen.communicate(timeout=20)
    assert command.popen.returncode == 1
    assert "Model echo did not load: RuntimeError: The network span_x4 is damaged.\n" in errors


def test_stopping_while_it_still_loads(scratch: Path) -> None:
    (scratch / "echo" / "1" / "model.py").write_text("import time\ntime.sleep(60)\n")
    popen = subprocess.Popen([*COMMAND, "--exit-timeout", "1", "--repository", str(scratch)])
    until(lambda: psutil.Process(popen.pid).children())
    time.sleep(0.5)
    popen.send_signal(signal.SIGTERM)
    assert popen.wait(10) in (0, 1)


def test_simulated_is_chosen_by_itself(scratch: Path) -> None:
    command = [part for part in COMMAND if part not in ("--config-name", "cpu")]
    popen = subprocess.Popen(
        [*command, "--repository", str(scratch)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DARKROOM_SIMULATE": "8,2"},
    )
    assert popen.stdout is not None
    assert popen.stdout.readline().startswith("Ready (simulated): ")
    popen.terminate()
    assert popen.wait(15) == 0
    popen.communicate()


def test_draining_finishes_what_runs_refuses_what_comes_and_says_so(scratch: Path) -> None:
    command = Command(scratch, "--exit-timeout", "20")
    match = re.search(r"HTTP (\S+), .*health (\S+);", command.ready)
    assert match
    address, health = match[1], match[2]
    until(lambda: status_of(health) == 200)
    running: list[int] = []
    caller = threading.Thread(target=lambda: running.append(infer(address, sleep_s=3.0)[0]))
    caller.start()
    time.sleep(1.0)
    command.popen.send_signal(signal.SIGTERM)
    until(lambda: status_of(health) in (503, None))
    # The page says so first; who came before Triton closes is still served.
    late = until(lambda: next((answer for answer in [infer(address)] if answer[0] != 200), None))
    assert late[0] in (400, 503, 0), late  # 0: the port is closed already
    caller.join(60)
    assert running == [200]
    assert command.popen.wait(60) == 0
    command.popen.communicate()


def test_killed_models_are_replaced_by_the_command_too(command: Command) -> None:
    match = re.search(r"health (\S+);", command.ready)
    assert match
    until(lambda: status_of(match[1]) == 200)  # it knows its processes
    command.tree()[1].kill()
    assert command.popen.stderr is not None
    said: list[str] = []
    until(lambda: said.append(command.popen.stderr.readline()) or "answers again" in said[-1])
    assert "echo: its process died (signal 9); reloading (1 of 5).\n" in said


def status_of(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return None


def infer(address: str, sleep_s: float = 0.0) -> tuple[int, bytes]:
    headers = {"Inference-Header-Content-Length": "0", "darkroom-sleep": str(sleep_s)}
    request = urllib.request.Request(f"http://{address}/v2/models/echo/infer", data=b"picture", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""
