"""What canaries and boards say about one model over time, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darkroom.server.canary import Probe, Verdict
from darkroom.server.policy import Policy
from darkroom.server.stuck import why_stuck


@dataclass(frozen=True)
class Trouble:
    """Why a model must be reloaded. `stuck`: its processes cannot be asked to end."""

    why: str
    stuck: bool


@dataclass
class _Version:
    failed: int = 0
    """Errors in a row."""
    mute_since: float | None = None
    """When a canary first went unanswered; moved on by every batch the engine finishes."""
    batches: float = -1.0
    missing: int = 0
    """Looks in a row at which it was served without a process."""


@dataclass
class ModelWatch:
    """One model of a running server. Times are seconds of the machine's monotonic clock."""

    policy: Policy
    last_success: float | None = None
    state: str = "ok"
    _versions: dict[str, _Version] = field(default_factory=dict)

    def start_afresh(self) -> None:
        """Forget what was before a reload."""
        self._versions.clear()

    def keep(self, versions: list[str]) -> None:
        """Forget versions that are no longer served."""
        self._versions = {name: version for name, version in self._versions.items() if name in versions}

    def hear(self, version: str, probe: Probe, now: float) -> Trouble | None:
        """Take one canary's verdict."""
        seen = self._versions.setdefault(version, _Version())
        seen.failed = seen.failed + 1 if probe.verdict is Verdict.FAILED else 0
        if probe.verdict not in (Verdict.MUTE, Verdict.REFUSED):
            seen.mute_since = None
        elif seen.mute_since is None:
            seen.mute_since = now
        if probe.verdict is Verdict.PASSED:
            self.last_success = now
            self.state = "ok"
        elif probe.verdict is Verdict.DEAD:
            return Trouble("its process is gone", stuck=True)
        elif probe.verdict is Verdict.FAILED:
            self.state = "failing"
            if seen.failed >= self.policy.failed_probes:
                return Trouble(
                    f"its canary failed {seen.failed} times ({' '.join(probe.words.split())[:200]})", stuck=False
                )
        else:
            self.state = "busy"
        return None

    def look(self, version: str, engine: Mapping[str, Any] | None, now: float) -> Trouble | None:
        """Take what its engine writes on the board; None for a model without an engine."""
        seen = self._versions.setdefault(version, _Version())
        if engine is not None:
            if why := why_stuck(engine, now, self.policy):
                return Trouble(why, stuck=True)
            if engine["batches"] != seen.batches:
                seen.batches = engine["batches"]
                seen.mute_since = None if seen.mute_since is None else now
        if seen.mute_since is not None and now - seen.mute_since > self.policy.mute_s:
            return Trouble(f"it has not answered for {now - seen.mute_since:.0f} s", stuck=True)
        return None

    def miss(self, version: str, living: int) -> Trouble | None:
        """Count the processes of a version that Triton calls ready. One look may fall between two processes."""
        seen = self._versions.setdefault(version, _Version())
        seen.missing = 0 if living else seen.missing + 1
        return Trouble("its process is gone", stuck=True) if seen.missing >= 2 else None
