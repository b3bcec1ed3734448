"""A real tritonserver for the tests: one for the whole session with the real models, and scratch ones."""

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from echo_model import add_model
from flights import simulated_server

from darkroom.server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Real networks on the CPU. Needs `make export`."""
    with Server(models=["super_resolution", "denoise", "jobs"], config_name="cpu") as running:
        yield running


@pytest.fixture(scope="session")
def simulated() -> Iterator[Server]:
    """A simulated device that is slow enough to be looked at: 10 ms a batch and 40 ms a unit."""
    with simulated_server("10,40") as running:
        yield running


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A repository of our own with one echo model: independent of weights, and quick to load."""
    repository = tmp_path / "repository"
    add_model(repository)
    return repository


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """After the test: no process of ours that was not there before, and nothing of ours in /dev/shm."""
    ours = f"darkroom-test-{os.getpid()}"
    os.environ["DARKROOM_TEST"] = ours  # whatever the test starts inherits it, and is told from other people's by it
    before = _tmpfs()
    try:
        yield
        left = _started(ours)
        _, alive = psutil.wait_procs(left, timeout=5)
        for process in alive:
            process.send_signal(signal.SIGKILL)
        assert not alive, f"still running: {[process.cmdline() for process in alive]}"
        assert not {path for path in _tmpfs() - before if not _in_use(path)}
    finally:
        del os.environ["DARKROOM_TEST"]


def _started(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("DARKROOM_TEST") == mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def _tmpfs() -> set[Path]:
    return set(Path("/dev/shm").glob("darkroom-*"))


def _in_use(path: Path) -> bool:
    """Whether it belongs to a server that somebody else runs on this machine meanwhile."""
    owner = path.parent / path.name[: len("darkroom-") + 12] / "owner.lock"
    try:
        with owner.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
