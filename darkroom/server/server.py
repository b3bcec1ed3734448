"""The embedded server: one tritonserver with our backend directory, ports, keys and runtime directory."""

import atexit
import functools
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
from darkroom.server.pins import Pins
from darkroom.server.ports import Ports, Reservation
from darkroom.server.process import Process
from darkroom.server.repository import (
    check_exports,
    choose_config_name,
    choose_models,
    compile_models,
    find_repository,
    is_remote,
)
from darkroom.server.runtime import RuntimeDirectory
from darkroom.server.triton_api import ApiError, TritonApi

_POLL_S = 0.05
_GRACE_S = 3.0  # beyond exit_timeout_s, before SIGKILL: a stub that died makes tritonserver wait for ever
_CONFIG_S = 10.0  # for tritonserver to tell a model's configuration
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

        `repository`: folder of model folders (default: model_repository), or an address that Triton itself reads
        (s3://, gs://, as://), of which nothing is checked here and `models` must be named. `models`: names to load
        (default: all). `config_name`: cpu, a100 or simulated (default: what the machine and DARKROOM_SIMULATE say).
        `env`: set over this process's environment. `ports`: 0 (the default) takes a free one. `exit_timeout_s`: whole
        seconds that running requests get at `stop()`. `start_timeout_s`: seconds until all models must be ready.
        `log_path`: gets Triton's log (default: in the runtime directory, so it goes with it). `echo`: called with each
        line of the log. `extra_arguments`: appended to tritonserver's command line.
        """
        self._env = {**os.environ, **(env or {})}
        self._distribution = find_distribution()
        self.repository, self.models = _repository(repository, models)
        self.config_name = choose_config_name(config_name, self._env)
        if isinstance(self.repository, Path):
            check_exports(self.repository, self.models)
        self.pins: Pins | None = None
        self._host, self._wanted_ports = host, ports or Ports()
        self._exit_timeout_s, self._start_timeout_s = exit_timeout_s, start_timeout_s
        self._wanted_log_path, self._echo = log_path, echo
        self._extra_arguments = tuple(extra_arguments)
        self._stops_requested = 0
        self._process: Process | None = None
        self._runtime: RuntimeDirectory | None = None
        self._reservation: Reservation | None = None
        self._log: Log | None = None

    def keep_pins(self, folder: Path) -> None:
        """Serve the versions that are pinned in this state directory, from the next start on."""
        self.pins = Pins(folder, self.repository, self.config_name)

    def start(self) -> None:
        """Return when every model is ready. Raises ServerError with the reason, and then leaves nothing behind."""
        self._reservation = Reservation(self._host, self._wanted_ports)
        self._runtime = runtime = RuntimeDirectory()
        atexit.register(self.stop)
        try:
            self.runtime_dir = runtime.path
            self.admin_key, self.admin_key_path = runtime.admin_key(self._env.get("DARKROOM_ADMIN_KEY_FILE"))
            self.log_path = Path(self._wanted_log_path or runtime.path / "server.log")
            self._log = Log(self.log_path, self._echo)
            if isinstance(self.repository, Path):
                compile_models(self.repository, self.models)
            self._distribution.link_backends(runtime.path / "backends")
            self._start_on_some_ports()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> None:
        """End what is left of tritonserver at once and start it again, with the same ports, key and folder.

        Raises ServerError with the reason; it may then be called again.
        """
        assert self._process is not None
        assert self._runtime is not None
        self._process.kill()
        self._process.wait()
        self._runtime.clear()
        if self._stops_requested:
            raise ServerError("Stopped before it was ready.")
        self._start_once()

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
        if self._reservation is not None:
            self._reservation.close()
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
    def returncode(self) -> int | None:
        """tritonserver's exit status; None while it runs, negative for a signal."""
        return self._process.returncode if self._process is not None else None

    @property
    def stopping(self) -> bool:
        """Whether `request_stop()` was called."""
        return self._stops_requested > 0

    @property
    def api(self) -> TritonApi:
        """tritonserver's own interface, with the admin key."""
        return TritonApi(self.reachable, self.ports.http, self.admin_http_headers)

    @property
    def start_timeout_s(self) -> float:
        """Seconds that loading may take."""
        return self._start_timeout_s

    @property
    def http_url(self) -> str:
        """`host:port` of HTTP, without a scheme: what tritonclient wants."""
        return f"{self.reachable}:{self.ports.http}"

    @property
    def grpc_url(self) -> str:
        """`host:port` of gRPC."""
        return f"{self.reachable}:{self.ports.grpc}"

    @property
    def metrics_url(self) -> str:
        """Full URL of the Prometheus page."""
        return f"http://{self.reachable}:{self.ports.metrics}/metrics"

    @property
    def admin_http_headers(self) -> dict[str, str]:
        """What the restricted HTTP APIs (model repository, shared memory, trace, logging) ask for."""
        return {ADMIN_HEADER: self.admin_key}

    @property
    def admin_grpc_headers(self) -> dict[str, str]:
        """The same for gRPC, where Triton puts its own prefix before the name."""
        return {f"triton-grpc-protocol-{ADMIN_HEADER}": self.admin_key, ADMIN_HEADER: self.admin_key}

    @property
    def reachable(self) -> str:
        """The address to reach it at from this machine."""
        return "127.0.0.1" if self._host == "0.0.0.0" else self._host

    def _start_on_some_ports(self) -> None:
        assert self._reservation is not None
        for attempt in range(1, _TRIES + 1):
            self.ports = self._reservation.ports
            try:
                self._start_once()
                return
            except _PortRaceError:
                if attempt == _TRIES or not self._wanted_ports.any_free:
                    raise
            self._reservation.close()
            self._reservation = Reservation(self._host, self._wanted_ports)

    def _start_once(self) -> None:
        assert self._runtime is not None
        assert self._log is not None
        later = [name for name in self.models if self.pins and self.pins.usable(name)]
        arguments = triton_arguments(
            repository=self.repository,
            backends=self._runtime.path / "backends",
            models=[name for name in self.models if name not in later],
            config_name=self.config_name,
            host=self._host,
            ports=self.ports,
            admin_key=self.admin_key,
            region_prefix=self._runtime.region_prefix,
            exit_timeout_s=self._exit_timeout_s,
        )
        env = self._distribution.environment(self._env)
        env["DARKROOM_RUNTIME_DIR"] = str(self.runtime_dir)
        env["DARKROOM_ADMIN_KEY_FILE"] = str(self.admin_key_path.resolve())
        command = [str(self._distribution.binary), *arguments, *self._extra_arguments]
        self._process = Process(command, env, self._log)
        self._await_ready(self._process, self._log)
        self._apply_pins()

    def _apply_pins(self) -> None:
        """Load what is pinned, the pinned version only; a start must not serve another one even for a moment."""
        for name in self.models if self.pins else ():
            assert self.pins is not None
            if remark := self.pins.remarks(name):
                self._say(remark)
            try:
                if config := self.pins.to_load(name, functools.partial(self.api.config, name, _CONFIG_S)):
                    self.api.load(name, config, self._start_timeout_s)
            except (ApiError, OSError) as error:
                raise ServerError(f"Model {name} did not load as it was pinned: {error}") from None

    def _say(self, line: str) -> None:
        """Tell the operator, where the models' own lines go."""
        assert self._log is not None
        self._log.write(line)

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
        connection = http.client.HTTPConnection(self.reachable, self.ports.http, timeout=1.0)
        try:
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status != 200:
                return False
            # The metrics page opens last, some 50 ms after HTTP.
            with socket.create_connection((self.reachable, self.ports.metrics), timeout=1.0):
                return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _repository(repository: Path | str | None, models: Sequence[str] | None) -> tuple[Path | str, tuple[str, ...]]:
    if repository is not None and is_remote(repository):
        if not models:
            raise ServerError(f"Which models of {repository} shall be served? Name them with --models.")
        return str(repository), tuple(dict.fromkeys(models))
    folder = find_repository(Path(repository) if repository is not None else None)
    return folder, choose_models(folder, models)


class _PortRaceError(ServerError):
    """Another program took a port between our look and Triton's."""
