"""The embedded server: one tritonserver with our backend directory, ports, keys and runtime directory."""

import atexit
import http.client
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from darkroom.server.arguments import ADMIN_HEADER, triton_arguments
from darkroom.server.distribution import find_distribution
from darkroom.server.errors import ServerError
from darkroom.server.log import Log, failure_reasons
from darkroom.server.ports import Ports, reserve
from darkroom.server.process import Process
from darkroom.server.repository import (
    check_exports,
    choose_config_name,
    choose_models,
    compile_models,
    find_repository,
)
from darkroom.server.runtime import RuntimeDirectory

_POLL_S = 0.05
_GRACE_S = 3.0  # beyond exit_timeout_s, before SIGKILL: a stub that died makes tritonserver wait for ever
_TRIES = 3  # with other free ports, should another program take one between our look and Triton's


class Server:
    """A tritonserver that lives as long as the `with` block (or from `start()` to `stop()`).

    Before `start()` nothing runs and nothing is written.
    """

    def __init__(
        self,
        repository: Path | str | None = None,
        *,
        models: Sequence[str] | None = None,
        config_name: str | None = None,
        env: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        ports: Ports | None = None,
        exit_timeout_s: int = 10,
        start_timeout_s: float = 300.0,
        log_path: Path | str | None = None,
        echo: Callable[[str], None] | None = None,
        extra_arguments: Sequence[str] = (),
    ) -> None:
        """Check everything that can be checked without starting. Raises ServerError.

        `repository`: folder of model folders (default: model_repository). `models`: names to load (default:
        all). `config_name`: cpu, a100 or simulated (default: what the machine and DARKROOM_SIMULATE say).
        `env`: set over this process's environment. `ports`: 0 (the default) takes a free one.
        `exit_timeout_s`: whole seconds that running requests get at `stop()`. `start_timeout_s`: seconds until
        all models must be ready. `log_path`: gets Triton's log (default: in the runtime directory, so it goes
        with it). `echo`: called with each line of the log. `extra_arguments`: appended to tritonserver's
        command line.
        """
        self._env = {**os.environ, **(env or {})}
        self._distribution = find_distribution()
        self.repository = find_repository(Path(repository) if repository is not None else None)
        self.models = choose_models(self.repository, models)
        self.config_name = choose_config_name(config_name, self._env)
        check_exports(self.repository, self.models)
        self._host, self._wanted_ports = host, ports or Ports()
        self._exit_timeout_s, self._start_timeout_s = exit_timeout_s, start_timeout_s
        self._wanted_log_path, self._echo = log_path, echo
        self._extra_arguments = tuple(extra_arguments)
        self._stops_requested = 0
        self._process: Process | None = None
        self._runtime: RuntimeDirectory | None = None
        self._log: Log | None = None

    def start(self) -> None:
        """Return when every model is ready. Raises ServerError with the reason, and then leaves nothing behind."""
        reserve(self._host, self._wanted_ports)
        self._runtime = runtime = RuntimeDirectory()
        atexit.register(self.stop)
        try:
            self.runtime_dir = runtime.path
            self.admin_key, self.admin_key_path = runtime.admin_key(self._env.get("DARKROOM_ADMIN_KEY_FILE"))
            self.log_path = Path(self._wanted_log_path or runtime.path / "server.log")
            self._log = Log(self.log_path, self._echo)
            compile_models(self.repository, self.models)
            backends = self._distribution.link_backends(runtime.path / "backends")
            self._start_on_some_ports(backends, runtime.region_prefix, self._log)
        except BaseException:
            self.stop()
            raise

    def request_stop(self) -> None:
        """Make a `start()` that is under way give up, or `wait()` return; a second time, make `stop()` hurry.

        Safe in a signal handler: it takes no lock.
        """
        self._stops_requested += 1

    def wait(self) -> int | None:
        """Block until tritonserver ends by itself (its exit status) or `request_stop()` is called (None)."""
        assert self._process is not None
        while not self._stops_requested:
            if self._process.wait(_POLL_S * 2):
                return self._process.returncode
        return None

    def stop(self) -> None:
        """Let running requests finish, for `exit_timeout_s` at most, then end everything; twice is fine."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            give_up = time.monotonic() + self._exit_timeout_s + _GRACE_S
            while not process.wait(_POLL_S):
                if self._stops_requested > 1 or time.monotonic() > give_up:
                    process.kill()
        log, self._log = self._log, None
        if log is not None:
            log.close()
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.remove()
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of tritonserver; its stubs are its children and in its process group."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether tritonserver runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def http_url(self) -> str:
        """`host:port` of HTTP, without a scheme: what tritonclient wants."""
        return f"{self._reachable}:{self.ports.http}"

    @property
    def grpc_url(self) -> str:
        """`host:port` of gRPC."""
        return f"{self._reachable}:{self.ports.grpc}"

    @property
    def metrics_url(self) -> str:
        """Full URL of the Prometheus page."""
        return f"http://{self._reachable}:{self.ports.metrics}/metrics"

    @property
    def admin_http_headers(self) -> dict[str, str]:
        """What the restricted HTTP APIs (model repository, shared memory, trace, logging) ask for."""
        return {ADMIN_HEADER: self.admin_key}

    @property
    def admin_grpc_headers(self) -> dict[str, str]:
        """The same for gRPC, where Triton puts its own prefix before the name."""
        return {f"triton-grpc-protocol-{ADMIN_HEADER}": self.admin_key, ADMIN_HEADER: self.admin_key}

    @property
    def _reachable(self) -> str:
        return "127.0.0.1" if self._host == "0.0.0.0" else self._host

    def _start_on_some_ports(self, backends: Path, region_prefix: str, log: Log) -> None:
        for attempt in range(1, _TRIES + 1):
            self.ports = reserve(self._host, self._wanted_ports)
            try:
                self._start_once(backends, region_prefix, log)
                return
            except _PortRaceError:
                if attempt == _TRIES or not self._wanted_ports.any_free:
                    raise

    def _start_once(self, backends: Path, region_prefix: str, log: Log) -> None:
        arguments = triton_arguments(
            repository=self.repository,
            backends=backends,
            models=self.models,
            config_name=self.config_name,
            host=self._host,
            ports=self.ports,
            admin_key=self.admin_key,
            region_prefix=region_prefix,
            exit_timeout_s=self._exit_timeout_s,
        )
        env = self._distribution.environment(self._env)
        env["DARKROOM_RUNTIME_DIR"] = str(self.runtime_dir)
        env["DARKROOM_ADMIN_KEY_FILE"] = str(self.admin_key_path.resolve())
        command = [str(self._distribution.binary), *arguments, *self._extra_arguments]
        self._process = Process(command, env, log)
        self._await_ready(self._process, log)

    def _await_ready(self, process: Process, log: Log) -> None:
        give_up = time.monotonic() + self._start_timeout_s
        while not self._ready():
            if self._stops_requested:
                raise ServerError("Stopped before it was ready.")
            if process.wait(_POLL_S):
                reasons = failure_reasons(log.lines) or [f"tritonserver ended with {process.returncode}."]
                if any("already in use" in reason for reason in reasons):
                    raise _PortRaceError("\n".join(reasons))
                raise ServerError("\n".join(reasons))
            if time.monotonic() > give_up:
                waited = f"The models were not ready after {self._start_timeout_s:g} s."
                raise ServerError("\n".join([waited, *failure_reasons(log.lines)]))

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection(self._reachable, self.ports.http, timeout=1.0)
        try:
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status != 200:
                return False
            # The metrics page opens last, some 50 ms after HTTP.
            with socket.create_connection((self._reachable, self.ports.metrics), timeout=1.0):
                return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class _PortRaceError(ServerError):
    """Another program took a port between our look and Triton's."""
