"""Whole machines on this one: each has an address of the loopback network of its own, so that all keep the ports they
have in service, and a supervised tritonserver on a simulated device."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90.0


@dataclass
class Machine:
    """`python -m darkroom.server` with its default ports on `address`; what it writes lies in `folder`."""

    address: str
    folder: Path
    simulate: str
    """As DARKROOM_SIMULATE has it."""
    models: Sequence[str]
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def key_file(self) -> Path:
        return self.folder / "admin.key"

    @property
    def repository(self) -> Path:
        return self.folder / "models"

    def prepare(self) -> None:
        """A repository of its own, so that it can be updated alone: links to the shared one's networks."""
        for model in self.models:
            shutil.copytree(
                ROOT / "model_repository" / model,
                self.repository / model,
                copy_function=_link,
                ignore=shutil.ignore_patterns("__pycache__", "[2-9]*", "1[0-9]*"),
            )
        self.key_file.write_text("for-these-machines-alone\n")
        self.key_file.chmod(0o600)

    def start(self) -> None:
        """Return at once; `healthy` tells when it serves."""
        command = [sys.executable, "-m", "darkroom.server", "--host", self.address, "--config-name", "simulated"]
        command += ["--repository", str(self.repository), "--models", ",".join(self.models)]
        command += ["--state-dir", str(self.folder), "--exit-timeout", "10"]
        env = {**os.environ, "DARKROOM_SIMULATE": self.simulate, "DARKROOM_ADMIN_KEY_FILE": str(self.key_file)}
        with (self.folder / "log").open("ab") as log:
            self.child = subprocess.Popen(command, env=env, stdout=log, stderr=log)

    @property
    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}:8003/healthz", timeout=5):
                return True
        except OSError:
            return False

    def drain(self) -> None:
        """As before an update: work in hand is finished, nothing new is taken, then it ends."""
        assert self.child is not None
        self.child.terminate()

    def fail(self) -> None:
        """As when its power fails: all its processes at once."""
        assert self.child is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(self.child.pid)
            for process in [supervisor, *supervisor.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
        self.child.wait(PATIENCE_S)

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.fail()


@contextlib.contextmanager
def running(machines: Sequence[Machine]) -> Iterator[None]:
    """All of them, healthy."""
    try:
        for machine in machines:
            machine.prepare()
            machine.start()
        until(lambda: all(machine.healthy for machine in machines))
        yield
    finally:
        for machine in machines:
            machine.stop()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it. Raises RuntimeError when it does not happen within PATIENCE_S."""
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > give_up:
            raise RuntimeError("It never happened: see the machines' logs.")
        time.sleep(0.02)


def _link(source: str, target: str) -> str:
    """Networks are linked, not copied: they are large, and nobody writes into them."""
    if source.endswith((".onnx", ".onnx.data")):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))
