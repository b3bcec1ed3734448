"""One run of tritonserver: started, watched, and ended together with every process it started."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from darkroom.server.log import Log

_LAUNCH = Path(__file__).with_name("launch.py")
_READ_REST_S = 1.0  # for what the pipe still holds after the last writer was killed


class Process:
    """A command in a process group of its own, whose output goes to a Log.

    When the command ends, for whatever reason, the rest of its group is killed: no stub outlives its server.
    When *this* process dies, the kernel kills the command, and its stubs notice within seconds.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Log) -> None:
        """Start `command` (absolute path first) with exactly `env`. Raises OSError."""
        self._command, self._env, self._log = command, env, log
        self._started, self._ended = threading.Event(), threading.Event()
        self._popen: subprocess.Popen[str] | None = None
        self._error: OSError | None = None
        self._returncode: int | None = None
        self._alive = threading.Lock()  # held while the process id is known to be ours
        # The kernel ties the command's life to the *thread* that started it, so that thread stays to the end.
        threading.Thread(target=self._own, name="tritonserver", daemon=True).start()
        self._started.wait()
        if self._error:
            raise self._error

    @property
    def pid(self) -> int:
        """Process id, and process group id."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """As subprocess has it: None while it runs, negative for a signal."""
        return self._returncode

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended and its group is gone; False if it still runs after `timeout_s` seconds."""
        return self._ended.wait(timeout_s)

    def terminate(self) -> None:
        """Ask it to finish its requests and end (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and every process of its group now (SIGKILL)."""
        self._signal(signal.SIGKILL, group=True)

    def _signal(self, number: signal.Signals, group: bool = False) -> None:
        with self._alive:
            if self._returncode is None:
                (os.killpg if group else os.kill)(self.pid, number)

    def _own(self) -> None:
        command = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), *self._command]
        try:
            self._popen = subprocess.Popen(
                command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            self._error = error
            return
        finally:
            self._started.set()
        reader = threading.Thread(target=self._read, name="tritonserver log", daemon=True)
        reader.start()
        # Not reaped yet, so that the number of its group still belongs to it.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._alive:
            os.killpg(self.pid, signal.SIGKILL)
            self._returncode = self._popen.wait()
        reader.join(_READ_REST_S)
        self._ended.set()

    def _read(self) -> None:
        assert self._popen is not None
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                self._log.write(line.rstrip("\n"))
