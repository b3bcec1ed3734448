"""What the supervisor knows of the server and its models, as the health page tells it."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

GOOD = frozenset({"ok", "busy", "unloaded"})
"""States of a model with which the server as a whole is healthy. `busy`: too busy to take the canary, and at work;
`unloaded`: an operator wanted it so."""


@dataclass
class ModelStatus:
    """One model. `state`: starting, ok, busy, failing, healing, down, unloaded."""

    state: str = "starting"
    why: str = ""
    versions: list[str] = field(default_factory=list)
    last_success: float | None = None
    """When a canary last passed, seconds of the monotonic clock."""
    heals: int = 0
    """Reloads after which it answered again."""


class Status:
    """Written by the supervisor, read by the health page; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, ModelStatus] = {}
        self.server = "starting"
        """starting, running, restarting, gone."""
        self.draining = False
        """Whether the server was asked to end. Stays, whatever else happens."""
        self.server_restarts = 0

    def update(self, model: str, **changes: Any) -> None:
        """Change fields of one model's status."""
        with self._lock:
            status = self._models.setdefault(model, ModelStatus())
            for name, value in changes.items():
                setattr(status, name, value)

    def healed(self, model: str) -> None:
        """Count a reload that helped."""
        with self._lock:
            self._models.setdefault(model, ModelStatus()).heals += 1

    def heals(self, model: str) -> int:
        """Reloads of the model that helped."""
        with self._lock:
            status = self._models.get(model)
            return status.heals if status else 0

    def state(self, model: str) -> str:
        """The model's state; "" for an unknown one."""
        with self._lock:
            status = self._models.get(model)
            return status.state if status else ""

    @property
    def healthy(self) -> bool:
        """Whether the server runs, its models were looked at, and none is in trouble."""
        with self._lock:
            return (
                bool(self._models)
                and self.server == "running"
                and not self.draining
                and all(status.state in GOOD for status in self._models.values())
            )

    def page(self) -> str:
        """JSON for people and probes: {"healthy", "server", "server_restarts", "models": {name: {...}}}."""
        healthy, now = self.healthy, time.monotonic()
        with self._lock:
            models = {name: _model(status, now) for name, status in sorted(self._models.items())}
            server = "draining" if self.draining else self.server
            content = {"healthy": healthy, "server": server, "server_restarts": self.server_restarts}
        return json.dumps({**content, "models": models}, indent=2) + "\n"

    def metrics(self) -> str:
        """For Prometheus."""
        with self._lock:
            ok = [f'darkroom_canary_ok{{model="{name}"}} {int(s.state in GOOD)}' for name, s in self._sorted()]
            heals = [f'darkroom_heals_total{{model="{name}"}} {status.heals}' for name, status in self._sorted()]
            lines = [
                "# HELP darkroom_canary_ok 1 while the canary passes, or the model is busy or unloaded on purpose.",
                "# TYPE darkroom_canary_ok gauge",
                *ok,
                "# HELP darkroom_heals_total Reloads after which the model answered again.",
                "# TYPE darkroom_heals_total counter",
                *heals,
                "# HELP darkroom_server_restarts_total Restarts of tritonserver.",
                "# TYPE darkroom_server_restarts_total counter",
                f"darkroom_server_restarts_total {self.server_restarts}",
            ]
        return "\n".join(lines) + "\n"

    def _sorted(self) -> list[tuple[str, ModelStatus]]:
        return sorted(self._models.items())


def _model(status: ModelStatus, now: float) -> dict[str, Any]:
    age = None if status.last_success is None else round(now - status.last_success, 1)
    content: dict[str, Any] = {"state": status.state, "versions": status.versions, "last_success_s_ago": age}
    if status.why and status.state not in GOOD:
        content["why"] = status.why
    return content | {"heals": status.heals}
