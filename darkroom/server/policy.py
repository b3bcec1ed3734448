"""The supervisor's numbers."""

from dataclasses import dataclass

from darkroom.server.backoff import Backoff


@dataclass(frozen=True)
class Policy:
    """All in seconds but where a name says otherwise."""

    probe_every_s: float = 1.0
    probe_timeout_s: float = 4.0
    failed_probes: int = 3
    """Errors in a row from a model whose process lives, before it is reloaded."""
    mute_s: float = 60.0
    """How long a model may leave canaries unanswered without its engine finishing a batch meanwhile."""
    silent_s: float = 10.0
    """How long an engine may leave its board file alone, or its event loop may not answer."""
    slow_batch_factor: float = 20.0
    """How many times its estimate a batch may take on the device ..."""
    slow_batch_s: float = 30.0
    """... and how long in any case."""
    unload_s: float = 10.0
    answers_within_s: float = 60.0
    """How long the canary may fail after a model was loaded again."""
    reloads: int = 5
    """Of one model, in quick succession."""
    restarts: int = 5
    """Of tritonserver, in quick succession."""
    first_pause_s: float = 1.0
    most_pause_s: float = 60.0
    calm_s: float = 60.0
    """After so long without trouble, reloads and restarts count anew."""
    server_silent_s: float = 30.0
    """How long tritonserver may leave its own interface unanswered."""

    def backoff(self, limit: int) -> Backoff:
        return Backoff(limit, self.first_pause_s, self.most_pause_s, self.calm_s)
