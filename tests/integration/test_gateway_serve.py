"""`python -m darkroom_gateway.serve`, what `make serve` runs."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from wire import until

COMMAND = [sys.executable, "-m", "darkroom_gateway.serve"]
PORTS = ["--http-port=0", "--grpc-port=0", "--metrics-port=0", "--health-port=0", "--gateway-port=0"]


def start(scratch: Path) -> tuple[subprocess.Popen[str], str, str]:
    child = subprocess.Popen(
        [*COMMAND, *PORTS, "--repository", str(scratch)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    triton, gateway = child.stdout.readline(), child.stdout.readline()
    http = re.search(r"HTTP ([\d.:]+)", triton)
    page = re.match(r"Ready: (\S+) ", gateway)
    assert http, (triton, child.stderr)
    assert page, gateway
    return child, f"http://{http[1]}", page[1]


def wait(child: subprocess.Popen[str]) -> int:
    child.communicate(timeout=40)
    return child.returncode


@pytest.mark.usefixtures("leaves_nothing")
def test_both_start_answer_and_stop_together(scratch):
    child, http, page = start(scratch)
    assert httpx.get(f"{http}/v2/health/ready").status_code == 200
    until(lambda: httpx.get(f"{page}/health/ready").status_code == 200)
    assert "Darkroom" in httpx.get(page).text
    child.send_signal(signal.SIGINT)
    assert wait(child) == 0


@pytest.mark.usefixtures("leaves_nothing")
def test_one_ending_ends_the_other(scratch):
    child, _, _ = start(scratch)
    [gateway] = [one for one in psutil.Process(child.pid).children() if "darkroom_gateway" in one.cmdline()]
    gateway.kill()
    assert wait(child) == 1


def test_a_killed_parent_leaves_no_process(scratch):
    child, _, _ = start(scratch)
    family = psutil.Process(child.pid).children(recursive=True)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=10)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_a_server_that_cannot_start_is_said_once(tmp_path):
    done = subprocess.run(
        [*COMMAND, *PORTS, "--repository", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("darkroom.server: ")
