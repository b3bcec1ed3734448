"""Counters of one engine. Sums and counts only: whoever reads them makes rates and means of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from darkroom.errors import DarkroomError

if TYPE_CHECKING:
    from darkroom.engine.job import Job


@dataclass
class Stats:
    """All counters only grow. Seconds are sums over jobs, but for `device_busy_s`."""

    admitted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Ended or refused jobs by "ok" or the reason of the error."""
    queue_s: float = 0.0
    decode_s: float = 0.0
    infer_s: float = 0.0
    encode_s: float = 0.0
    units: Counter[str] = field(default_factory=Counter)
    """By network."""
    batches: Counter[str] = field(default_factory=Counter)
    """By network."""
    retries: Counter[str] = field(default_factory=Counter)
    """Batches that failed and were run again in parts: "memory" (too large), "failure" (anything else)."""
    guarded_pixels: Counter[str] = field(default_factory=Counter)
    """Input pixels for which a network's fallback was used, by network."""
    device_busy_s: float = 0.0
    megapixels: float = 0.0
    """Decoded input of the jobs that were answered with a picture."""
    bytes_in: int = 0
    bytes_out: int = 0
    promises_kept: int = 0
    promises_broken: int = 0

    def batch(self, network: str, units: int, seconds: float) -> None:
        """Book one batch that ran."""
        self.units[network] += units
        self.batches[network] += 1
        self.device_busy_s += seconds

    def retry(self, cause: str, seconds: float) -> None:
        """Book one batch that failed and is run again in parts."""
        self.retries[cause] += 1
        self.device_busy_s += seconds

    def count(self, job: "Job", error: DarkroomError | None, ended_at: float) -> None:
        """Book a job that ended."""
        self.outcomes["ok" if error is None else error.reason] += 1
        self.bytes_in += job.request.encoded_bytes
        self.queue_s += job.timings.queue_s
        self.decode_s += job.timings.decode_s
        self.infer_s += job.timings.infer_s
        self.encode_s += job.timings.encode_s
        if error is None:
            kept = ended_at <= job.promised_at
            self.promises_kept += kept
            self.promises_broken += not kept

    def refuse(self, error: DarkroomError) -> None:
        """Book a job that never came in."""
        self.outcomes[error.reason] += 1
