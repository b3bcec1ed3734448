"""The versions of a model: which lie in the repository, which are served, and what a change of them did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ModelVersions:
    """One model of the repository."""

    name: str
    served: tuple[int, ...]
    """Versions that answer now, oldest first; a caller who names none gets the last."""
    published: tuple[int, ...]
    """Versions in the repository, oldest first, as far as the server can tell."""
    pinned: bool = False
    """Whether the served versions were chosen; otherwise the newest is served."""
    state: str = "READY"
    """READY, LOADING, UNLOADING, UNAVAILABLE (it failed, or was unloaded) or NOT LOADED (never asked for)"""
    reason: str = ""
    """Why the newest version could not be loaded, where one was tried in vain."""
    memory: Mapping[int, int] = field(default_factory=dict, repr=False, compare=False)
    """Bytes that the process of each published version takes, or is expected to."""
    available_bytes: int | None = field(default=None, repr=False, compare=False)
    """Memory left on the server; None where it does not say."""

    @property
    def newer(self) -> int | None:
        """The newest version in the repository, where an older one is served; else None."""
        newest = max(self.published, default=0)
        return newest if self.served and newest > self.served[-1] else None

    @property
    def note(self) -> str:
        """What an operator should know about a version that is not served; "" for nothing."""
        if self.newer is None:
            return ""
        if self.pinned:
            return f"version {self.newer} is newer and hidden by the pin"
        return f"version {self.newer} is newer and not loaded"


@dataclass(frozen=True)
class Change:
    """What a load, unload, rollback or pin did."""

    before: ModelVersions
    after: ModelVersions

    @property
    def sentence(self) -> str:
        """For people: what is served now instead of what, and which newer version is not."""
        now = f"{self.after.name}: {_serves(self.after)}"
        was = "" if self.before.served == self.after.served else f" (before: {words(self.before.served)})"
        note = f" Note: {self.after.note}." if self.after.note else ""
        return f"{now}{was}.{note}"


def words(versions: tuple[int, ...]) -> str:
    """(1, 2) -> "1, 2"; "none" for nothing."""
    return ", ".join(map(str, versions)) or "none"


def chosen(policy: Mapping[str, Any] | None) -> tuple[int, ...]:
    """The versions that a version_policy of Triton's names; () for "all" and "latest"."""
    specific = (policy or {}).get("specific") or {}
    # gRPC's JSON writes 64-bit numbers as text
    return tuple(sorted(int(version) for version in specific.get("versions", ())))


def _serves(model: ModelVersions) -> str:
    if not model.served:
        return "no version is served"
    pinned = ", pinned" if model.pinned else ""
    return f"version{'s' if len(model.served) > 1 else ''} {words(model.served)} served{pinned}"
