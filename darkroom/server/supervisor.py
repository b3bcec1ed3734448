"""The supervisor: sends canaries, watches processes, reloads a model that died or hangs, restarts tritonserver.

    with Server(...) as server, Supervisor(server):
        ...

Triton itself calls a model READY whose process is dead, for ever.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from darkroom.board import files
from darkroom.server.canary import Probe, Verdict, probe
from darkroom.server.errors import ServerError
from darkroom.server.healer import Healer
from darkroom.server.model_watch import ModelWatch, Trouble
from darkroom.server.policy import Policy
from darkroom.server.runtime import remove_region
from darkroom.server.server import Server
from darkroom.server.status import Status
from darkroom.server.stubs import Stub, StubWatch, death_of, is_stopped
from darkroom.server.triton_api import ApiError, Served

_TICK_S = 0.2
_CANARIES = 16
"""At once. A model that leaves them unanswered has one in flight a version."""
_STOPPED_LOOKS = 3
"""Rounds that a process may be held by SIGSTOP."""


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Supervisor:
    """Keeps one started Server healthy, until that is asked to stop or nothing helps any more."""

    def __init__(
        self,
        server: Server,
        policy: Policy | None = None,
        status: Status | None = None,
        say: Callable[[str], None] = _print,
    ) -> None:
        """`say`: takes one line for each event."""
        self.status = status or Status()
        self.gave_up = False
        """Whether tritonserver could not be brought back."""
        self._server, self._policy, self._say = server, policy or Policy(), say
        self._watches: dict[str, ModelWatch] = {}
        self._configs: dict[str, dict[str, Any]] = {}
        """The configuration in force of each model when it was last seen ready."""
        self._restarts = self._policy.backoff(self._policy.restarts)
        self._in_flight: set[tuple[str, str]] = set()
        self._stopped: dict[int, int] = {}
        self._healed_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_CANARIES, "canary")
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._healer = Healer(server, self._policy, self.status, say, lambda: self._going, self._healed)

    def run(self) -> None:
        """Return when the server was asked to stop, the supervisor was closed, or it gave up (`gave_up`)."""
        while self._going:
            self.status.server = "running"
            stubs = StubWatch(self._server.pid)
            try:
                why = self._watch(stubs)
            finally:
                if self._going:
                    self._healer.wait()
                stubs.close()
            if self._going and not self._restart(why):
                self.gave_up = True
                self.status.server = "gone"
                return

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.run, name="supervisor", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Look no more, and leave the server as it is."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _going(self) -> bool:
        return not self._closed.is_set() and not self._server.stopping

    # one life of tritonserver

    def _watch(self, stubs: StubWatch) -> str:
        """Watch until tritonserver needs a restart; why, as the middle of a sentence ("" when stopping)."""
        due, heard_at = 0.0, time.monotonic()
        stubs.look()
        while self._going:
            for stub in stubs.wait(_TICK_S):
                death = death_of(stub)
                if death and not self._healer.has_replaced(stub) and self._is_served(stub):
                    remove_region(stub.region)
                    self._trouble(stub.model, Trouble(f"its process died ({death.how})", stuck=True), stubs)
            if not self._server.alive:
                return f"ended by itself ({_status(self._server.returncode)})"
            if self._healer.server_stuck is not None:
                return self._healer.server_stuck
            now = time.monotonic()
            if now >= due:
                due = now + self._policy.probe_every_s
                stubs.look()
                try:
                    self._round(stubs)
                    heard_at = time.monotonic()
                except (ApiError, OSError, json.JSONDecodeError):
                    if time.monotonic() - heard_at > self._policy.server_silent_s:
                        return f"has not answered for {self._policy.server_silent_s:.0f} s"
        return ""

    def _is_served(self, stub: Stub) -> bool:
        """Whether Triton believes that the dead stub serves; one that it was just unloading is not missed."""
        if not self._server.alive:
            return False
        try:
            index = self._server.api.index(self._policy.probe_timeout_s)
        except (ApiError, OSError, json.JSONDecodeError):
            return True
        return any((s.model, s.version, s.state) == (stub.model, stub.version, "READY") for s in index)

    def _round(self, stubs: StubWatch) -> None:
        index = self._server.api.index(self._policy.probe_timeout_s)
        engines = self._engines()
        ready: dict[str, list[str]] = {}
        for served in index:
            if served.state == "READY":
                ready.setdefault(served.model, []).append(served.version)
        for model, versions in ready.items():
            if not self._healer.is_healing(model):
                self._look(model, versions, engines, stubs)
        self._note_absent(index, ready)

    def _look(
        self, model: str, versions: list[str], engines: dict[tuple[str, str], dict[str, Any]], stubs: StubWatch
    ) -> None:
        watch = self._watches.setdefault(model, ModelWatch(self._policy))
        if self.status.state(model) == "down":  # somebody has loaded it by hand
            self._healer.forget(model)
            watch.start_afresh()
        watch.keep(versions)
        config = self._configs[model] = self._server.api.config(model, self._policy.probe_timeout_s)
        if self._server.pins:
            try:
                self._server.pins.observe(model, config)
            except OSError as error:
                self._say(f"{model}: its pin cannot be kept: {error}.")
        now = time.monotonic()
        living = stubs.living(model)
        for version in versions:
            mine = [stub for stub in living if stub.version == version]
            trouble = watch.look(version, engines.get((model, version)), now)
            if config.get("backend") == "python":
                trouble = trouble or watch.miss(version, len(mine)) or self._held(mine)
            if trouble:
                self._trouble(model, trouble, stubs)
                return
            self._send_canary(model, version, config, stubs)
        self.status.update(model, state=watch.state, versions=versions, last_success=watch.last_success, why="")

    def _note_absent(self, index: list[Served], ready: dict[str, list[str]]) -> None:
        """Models that are not served: on purpose, or because a load by hand failed."""
        for model in {served.model for served in index} - set(ready):
            if self._healer.is_healing(model) or self.status.state(model) == "down":
                continue
            entries = [served for served in index if served.model == model]
            loading = any(served.state == "LOADING" for served in entries)
            why = next((s.reason for s in entries if s.reason and s.reason != "unloaded"), "")
            wanted = model in self._server.models
            if loading or wanted or self.status.state(model):
                state = "starting" if loading else "down" if why else "unloaded"
                self.status.update(model, state=state, versions=[], why=why)

    def _held(self, living: list[Stub]) -> Trouble | None:
        for stub in living:
            looks = self._stopped.get(stub.pid, 0) + 1 if is_stopped(stub.pid) else 0
            self._stopped[stub.pid] = looks
            if looks >= _STOPPED_LOOKS:
                return Trouble("its process is stopped (SIGSTOP)", stuck=True)
        return None

    def _engines(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The living engines' files on the board, by model and version."""
        found = {}
        for path in (self._server.runtime_dir / "engines").glob("[!.]*.json"):
            content = files.read(path)
            if content is not None and files.is_alive(content):
                found[content["task"], str(content["version"])] = content
        return found

    def _send_canary(self, model: str, version: str, config: dict[str, Any], stubs: StubWatch) -> None:
        key = (model, version)
        with self._lock:
            if key in self._in_flight:
                return
            self._in_flight.add(key)

        def fly() -> None:
            asked_at = time.monotonic()
            try:
                result = probe(self._server.api, model, version, config, self._policy.probe_timeout_s)
            finally:
                with self._lock:
                    self._in_flight.discard(key)
            self._hear(model, version, result, asked_at, stubs)

        self._pool.submit(fly)

    def _hear(self, model: str, version: str, result: Probe, asked_at: float, stubs: StubWatch) -> None:
        if self._healer.is_healing(model) or result.verdict is Verdict.GONE or not self._server.alive:
            return
        if asked_at < self._healed_at.get(model, asked_at):  # it tells of the process before
            return
        if trouble := self._watches[model].hear(version, result, time.monotonic()):
            self._trouble(model, trouble, stubs)

    def _trouble(self, model: str, trouble: Trouble, stubs: StubWatch) -> None:
        if self._going and self.status.state(model) not in ("down", "unloaded"):
            self._healer.start(model, trouble, self._configs.get(model), stubs)

    def _healed(self, model: str) -> None:
        watch = self._watches.setdefault(model, ModelWatch(self._policy))
        watch.start_afresh()
        watch.state, watch.last_success = "ok", time.monotonic()
        self._healed_at[model] = watch.last_success

    # restarting tritonserver

    def _restart(self, why: str) -> bool:
        """Whether tritonserver serves again, or is to stop."""
        self.status.server, self._healer.server_stuck = "restarting", None
        began = time.monotonic()
        while attempt := self._restarts.next(time.monotonic()):
            later = f" in {attempt.pause_s:.0f} s" if attempt.pause_s else ""
            self._say(f"tritonserver {why}; restarting{later} ({attempt.number} of {self._restarts.limit}).")
            give_up = time.monotonic() + attempt.pause_s
            while time.monotonic() < give_up and self._going:
                time.sleep(0.05)
            if not self._going:
                return True
            try:
                self._server.restart()
            except (ServerError, OSError) as error:
                if not self._going:
                    return True
                why = f"did not start: {' '.join(str(error).split())}"
            else:
                self.status.server_restarts += 1
                self._watches.clear()
                self._stopped.clear()
                self._say(f"tritonserver: serves again after {time.monotonic() - began:.1f} s.")
                return True
            finally:
                self._restarts.touch(time.monotonic())
        self._say(f"tritonserver {why}; given up after {self._restarts.limit} restarts.")
        return False


def _status(returncode: int | None) -> str:
    if returncode is None:
        return "status unknown"
    return f"signal {-returncode}" if returncode < 0 else f"status {returncode}"
