"""Reloading models in trouble: one thread a model, tries that wait longer each time, and an end to them."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from darkroom.server.backoff import Backoff
from darkroom.server.healing import HealError, ServerStuckError, heal
from darkroom.server.model_watch import Trouble
from darkroom.server.policy import Policy
from darkroom.server.server import Server
from darkroom.server.status import Status
from darkroom.server.stubs import Stub, StubWatch


class Healer:
    """The reloads of one supervised server."""

    def __init__(
        self,
        server: Server,
        policy: Policy,
        status: Status,
        say: Callable[[str], None],
        going: Callable[[], bool],
        healed: Callable[[str], None],
    ) -> None:
        """`going()`: whether anybody still wants models healed. `healed(model)`: called when one answers again, before
        its canaries are listened to."""
        self.server_stuck: str | None = None
        """Why only a restart of tritonserver helps, as the middle of a sentence about it."""
        self._server, self._policy, self._status, self._say = server, policy, status, say
        self._going, self._healed = going, healed
        self._backoffs: dict[str, Backoff] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._replaced: set[Stub] = set()
        self._lock = threading.Lock()

    def start(self, model: str, trouble: Trouble, config: Mapping[str, Any] | None, stubs: StubWatch) -> None:
        """Begin to reload the model, unless that is being done. `config`: as it was in force."""
        with self._lock:
            if self.is_healing(model):
                return
            thread = threading.Thread(
                target=self._run, args=(model, trouble, config, stubs), name=f"heal {model}", daemon=True
            )
            self._threads[model] = thread
        self._status.update(model, state="healing", why=trouble.why)
        thread.start()

    def is_healing(self, model: str) -> bool:
        """Whether the model is being reloaded, or about to be."""
        thread = self._threads.get(model)
        return thread is not None and (thread.is_alive() or thread.ident is None)

    def has_replaced(self, stub: Stub) -> bool:
        """Whether a reload has already dealt with this process, so that news of its death are no news."""
        return stub in self._replaced

    def forget(self, model: str) -> None:
        """Somebody mended the model by hand: count from 1 again."""
        self._backoff(model).forget()

    def wait(self) -> None:
        """Until nothing is being reloaded. With tritonserver gone, that is soon."""
        for thread in list(self._threads.values()):
            thread.join(self._policy.unload_s)
        self._threads.clear()

    def _backoff(self, model: str) -> Backoff:
        return self._backoffs.setdefault(model, self._policy.backoff(self._policy.reloads))

    def _run(self, model: str, trouble: Trouble, config: Mapping[str, Any] | None, stubs: StubWatch) -> None:
        backoff, began = self._backoff(model), time.monotonic()

        def living() -> list[Stub]:
            found = stubs.living(model)
            self._replaced.update(found)
            return found

        why, stuck = trouble.why, trouble.stuck
        while self._server.alive and (attempt := backoff.next(time.monotonic())):
            later = f" in {attempt.pause_s:.0f} s" if attempt.pause_s else ""
            self._say(f"{model}: {why}; reloading{later} ({attempt.number} of {backoff.limit}).")
            if not self._pause(attempt.pause_s):
                return
            try:
                heal(self._server, model, config, living, stuck=stuck, policy=self._policy)
            except ServerStuckError:
                self.server_stuck = f"does not reload {model}"
                return
            except HealError as error:
                why, stuck = str(error), True
                if not self._going():
                    return
            else:
                self._say(f"{model}: answers again after {time.monotonic() - began:.1f} s.")
                self._healed(model)
                self._status.healed(model)
                self._status.update(model, state="ok", last_success=time.monotonic(), why="")
                return
            finally:
                backoff.touch(time.monotonic())
        if self._server.alive:
            self._status.update(model, state="down", why=why)
            self._say(
                f"{model}: {why}; given up after {backoff.limit} reloads. It stays down until it is loaded by hand "
                f"(darkroom models load {model})."
            )

    def _pause(self, seconds: float) -> bool:
        """Wait; False if there is nothing to go on for."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up and self._going() and self._server.alive:
            time.sleep(min(0.1, seconds))
        return self._going() and self._server.alive
