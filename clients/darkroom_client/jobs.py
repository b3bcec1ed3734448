"""The small CPU model `jobs`: what the engines are doing, and how to stop a job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darkroom_client.errors import ServerError
from darkroom_client.wire import Answer, Call

MODEL = "jobs"


@dataclass(frozen=True)
class JobState:
    """Where a job stands. `unknown`: it never reached an engine, or waits in Triton's own queue, or has ended."""

    id: str
    state: str
    """waiting | running | ended | lost | unknown. `ended` and `lost` are the client's own words for a watched job that
    is gone: by itself (done, failed or cancelled, which only its caller learns), or with its engine."""
    task: str | None = None
    lane: str | None = None
    units_done: int = 0
    units_total: int | None = None
    eta_s: float | None = None
    """Seconds until it is done, as the engine estimates."""
    start_id: str | None = None
    """Of the engine process that holds the job; a new one means that the process died and lost its jobs."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def fraction(self) -> float | None:
        """Share of the device work that is done, 0..1; None while it is not known. Servers that do not tell it: units
        done by units in total."""
        told = self.raw.get("progress")
        if isinstance(told, int | float):
            return min(1.0, max(0.0, float(told)))
        return min(1.0, self.units_done / self.units_total) if self.units_total else None

    @property
    def held(self) -> bool:
        """Whether an engine has the job in its line or in work."""
        return self.state in ("waiting", "running")

    @classmethod
    def parse(cls, raw: Mapping[str, Any], job_id: str = "") -> "JobState":
        total, eta = raw.get("units_total"), raw.get("eta_s")
        return cls(
            id=str(raw.get("id") or job_id),
            state=str(raw.get("state", "unknown")),
            task=raw.get("task"),
            lane=raw.get("lane"),
            units_done=int(raw.get("units_done") or 0),
            units_total=None if total is None else int(total),
            eta_s=None if eta is None else float(eta),
            start_id=raw.get("start_id"),
            raw=dict(raw),
        )


@dataclass(frozen=True)
class Engine:
    """One engine process of one model version. Numbers the server does not tell are 0."""

    task: str
    version: str
    start_id: str
    alive: bool = True
    up_s: float | None = None
    """Seconds since its process began to load the model; None where the server does not tell."""
    jobs_waiting: int = 0
    jobs_running: int = 0
    backlog_s: float = 0.0
    """Estimated device seconds of everything admitted and not done."""
    batch_fill: float = 0.0
    """Units in a batch by its largest size, 0..1, lately."""
    device_busy: float = 0.0
    """Share of the time that the device computes, 0..1, lately."""
    units_per_s: float = 0.0
    megapixels_per_s: float = 0.0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Engine":
        up_s = raw.get("up_s")
        return cls(
            task=str(raw.get("task", "")),
            version=str(raw.get("version", "")),
            start_id=str(raw.get("start_id", "")),
            alive=bool(raw.get("alive", True)),
            up_s=None if up_s is None else float(up_s),
            jobs_waiting=int(raw.get("jobs_waiting") or 0),
            jobs_running=int(raw.get("jobs_running") or 0),
            backlog_s=float(raw.get("backlog_s") or 0),
            batch_fill=_fill(raw),
            device_busy=float(raw.get("device_busy") or 0),
            units_per_s=float(raw.get("units_per_s") or 0),
            megapixels_per_s=float(raw.get("megapixels_per_s") or 0),
            raw=dict(raw),
        )


def _fill(raw: Mapping[str, Any]) -> float:
    if "batch_fill" in raw:
        return float(raw["batch_fill"] or 0)
    largest = float(raw.get("max_batch") or 0)
    return float(raw.get("units_per_batch") or 0) / largest if largest else 0.0


@dataclass(frozen=True)
class Totals:
    """All engines of the server, and when a refused job should come back."""

    engines: tuple[Engine, ...]
    retry_after_s: float | None
    """Seconds; None where the server does not say."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Totals":
        retry = raw.get("retry_after_s")
        engines = tuple(Engine.parse(engine) for engine in raw.get("engines", ()))
        return cls(engines, None if retry is None else float(retry))


def query(action: str, job_id: str = "", *, headers: Mapping[str, str] | None = None, timeout_s: float = 5.0) -> Call:
    """The call that asks `jobs`. `action`: state | cancel (both by id) | totals | list (with the admin key)."""
    question = {"action": action} | ({"id": job_id} if job_id else {})
    return Call(
        model=MODEL,
        input_name="query",
        input_bytes=json.dumps(question).encode(),
        datatype="BYTES",
        outputs=("answer",),
        client_timeout_s=timeout_s,
        headers=headers or {},
    )


def answer_of(answer: Answer) -> dict[str, Any]:
    """The JSON object that `jobs` answered. Raises ServerError where it is none."""
    text = answer.outputs.get("answer", b"")
    try:
        raw = json.loads(text)
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        raise ServerError(f"The model `jobs` must answer with a JSON object, got {text[:200]!r}.")
    return raw
