"""A link without server or time: a script says what each call meets, waiting moves the clock."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from darkroom_client.address import parse
from darkroom_client.core import Core
from darkroom_client.link import Question
from darkroom_client.options import Settings
from darkroom_client.retry import Retry
from darkroom_client.wire import Answer, Call, Failure

NEVER = 1e9


@dataclass
class Later:
    """`what` comes `after_s` seconds after the call; an exception is raised."""

    after_s: float
    what: Answer | BaseException | None = None


Script = Callable[[Call], Answer | BaseException | Later]


def picture(call: Call, data: bytes = b"picture", **report: Any) -> Answer:
    return Answer(call.request_id, {"image": data, "report": json.dumps({"task": call.model, **report}).encode()})


def told(call: Call, **answer: Any) -> Answer:
    """An answer of the model `jobs`."""
    return Answer(call.request_id, {"answer": json.dumps(answer).encode()})


def asked(call: Call) -> dict[str, Any]:
    """The question that a call to `jobs` asks."""
    return dict(json.loads(call.input_bytes))


def busy(retry_after_s: float | None = None) -> Failure:
    details = {"reason": "busy"} | ({} if retry_after_s is None else {"retry_after_s": retry_after_s})
    return Failure("UNAVAILABLE", f"Busy. {json.dumps(details)}")


def no_jobs_model(call: Call) -> Failure:
    return Failure("NOT_FOUND", "Request for unknown model: 'jobs' is not found")


@dataclass
class FakeLink:
    """Calls to tasks meet `script`, calls to `jobs` meet `jobs`."""

    script: Script
    jobs: Script = no_jobs_model
    cancel_reaches_server: bool = True
    time: float = 1000.0
    calls: list[Call] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address = parse("127.0.0.1:8001")

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    async def offload(self, work: Callable[[], Any]) -> Any:
        return work()

    async def start(self, call: Call) -> "FakePending":
        if call.model == "jobs":
            self.questions.append(asked(call))
            met = self.jobs(call)
        else:
            self.calls.append(call)
            met = self.script(call)
        later = met if isinstance(met, Later) else Later(0.0, met)
        return FakePending(self, call, self.time + later.after_s, later.what)

    async def ask(self, question: Question) -> Any:
        answer = self.answers[question.about]
        if isinstance(answer, Exception):
            raise answer
        return answer(question) if callable(answer) else answer

    async def close(self) -> None:
        pass


@dataclass
class FakePending:
    link: FakeLink
    call: Call
    due: float
    what: Answer | BaseException | None

    async def wait(self, seconds: float) -> Answer | None:
        if self.due > self.link.time + seconds:
            self.link.time += seconds
            return None
        self.link.time = max(self.link.time, self.due)
        if isinstance(self.what, BaseException):
            raise self.what
        return self.what

    async def abandon(self) -> None:
        self.link.abandoned.append(self.call.request_id)


def core(link: FakeLink, *, admin_key: str | None = None, **defaults: Any) -> Core:
    """A core whose retries have no randomness: full jitter at its upper end."""
    defaults.setdefault("retry", Retry(random=lambda: 1.0))
    return Core(link, Settings(**defaults), {"authorization": "Bearer x"}, admin_key)
