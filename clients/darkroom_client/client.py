"""The two clients: the same core, awaited or driven to its end."""

from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping
from typing import Any, Self

from darkroom_client import address, inspection
from darkroom_client.core import Core
from darkroom_client.errors import BadOption
from darkroom_client.images import ImageInput
from darkroom_client.inspection import Health
from darkroom_client.jobs import JobState, Totals
from darkroom_client.link import drive, iterate
from darkroom_client.models_api import AsyncModels, Models
from darkroom_client.options import Lane, Settings, separate
from darkroom_client.results import Quote, Result
from darkroom_client.retry import Retry
from darkroom_client.tasks import Tasks
from darkroom_client.tls import Tls
from darkroom_client.transports.links import AsyncLink, BlockingLink

_WATCH_EVERY_S = 0.25
_APPEAR_WITHIN_S = 5.0


class Darkroom(Tasks[Result, Quote]):
    """A connection to one server for any number of threads.

    `url`: "host:port" or "grpc://" (gRPC), "grpcs://", "http://", "https://". gRPC is faster, and tells the server when
    a caller goes away. `deadline_s`, `lane` and `retry` are defaults for every call. `headers` go with every request
    (`{"authorization": "Bearer ..."}`); `admin_key` only where the server asks for it (`jobs`, `models`).
    Ctrl-C during a call cancels the job on the server.
    """

    def __init__(
        self,
        url: str = address.DEFAULT,
        *,
        deadline_s: float | None = None,
        lane: Lane | None = None,
        retry: Retry | None = None,
        headers: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        admin_key: str | None = None,
    ) -> None:
        where = address.parse(url)
        defaults = _defaults(where, deadline_s, lane, retry, tls)
        self.url = str(where)
        self._core = Core(BlockingLink(where, tls), defaults, headers or {}, admin_key)
        self.models = Models(self._core)

    def run(self, task: str, image: ImageInput, **options: Any) -> Result:
        return drive(self._core.run(task, image, options))

    def quote(self, task: str, image: ImageInput, **options: Any) -> Quote:
        return drive(self._core.quote(task, image, options))

    def watch(
        self, job_id: str, *, interval_s: float = _WATCH_EVERY_S, appear_within_s: float = _APPEAR_WITHIN_S
    ) -> Iterator[JobState]:
        """The job's states as they change; the last one is ended, lost, or unknown (never seen within the time)."""
        return iterate(self._core.watch(job_id, interval_s, appear_within_s))

    def state(self, job_id: str) -> JobState:
        """Where the job stands now."""
        return drive(self._core.engines.state(job_id))

    def cancel(self, job_id: str) -> bool:
        """Stop a job, whoever sent it. False where no engine has a job of this id."""
        return drive(self._core.engines.cancel(job_id))

    def jobs(self) -> list[JobState]:
        """All jobs of the server. Needs the admin key."""
        return drive(self._core.jobs())

    def totals(self) -> Totals:
        """What the engines are doing."""
        return drive(self._core.engines.totals())

    def model(self, name: str, version: str = "") -> dict[str, Any]:
        """Metadata and configuration of one model."""
        return drive(inspection.describe(self._core, name, version))

    def ready(self) -> bool:
        """Whether the server and all its models say that they are ready. Raises Unreachable where there is none."""
        return drive(inspection.ready(self._core))

    def health(self, models: Iterable[str] = (), *, deadline_s: float = 30.0) -> list[Health]:
        """Send a small picture through each model."""
        return drive(inspection.health(self._core, models, deadline_s))

    def close(self) -> None:
        """Close the connections. Calls in flight end with an error."""
        drive(self._core.link.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncDarkroom(Tasks[Coroutine[Any, Any, Result], Coroutine[Any, Any, Quote]]):
    """The same on an event loop: every method of `Darkroom` to be awaited, `watch` to be iterated with `async for`.

    Cancelling the task that awaits a call cancels the job on the server. Belongs to the loop of its first call.
    """

    def __init__(
        self,
        url: str = address.DEFAULT,
        *,
        deadline_s: float | None = None,
        lane: Lane | None = None,
        retry: Retry | None = None,
        headers: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        admin_key: str | None = None,
    ) -> None:
        where = address.parse(url)
        defaults = _defaults(where, deadline_s, lane, retry, tls)
        self.url = str(where)
        self._core = Core(AsyncLink(where, tls), defaults, headers or {}, admin_key)
        self.models = AsyncModels(self._core)

    async def run(self, task: str, image: ImageInput, **options: Any) -> Result:
        return await self._core.run(task, image, options)

    async def quote(self, task: str, image: ImageInput, **options: Any) -> Quote:
        return await self._core.quote(task, image, options)

    def watch(
        self, job_id: str, *, interval_s: float = _WATCH_EVERY_S, appear_within_s: float = _APPEAR_WITHIN_S
    ) -> AsyncGenerator[JobState, None]:
        return self._core.watch(job_id, interval_s, appear_within_s)

    async def state(self, job_id: str) -> JobState:
        return await self._core.engines.state(job_id)

    async def cancel(self, job_id: str) -> bool:
        return await self._core.engines.cancel(job_id)

    async def jobs(self) -> list[JobState]:
        return await self._core.jobs()

    async def totals(self) -> Totals:
        return await self._core.engines.totals()

    async def model(self, name: str, version: str = "") -> dict[str, Any]:
        return await inspection.describe(self._core, name, version)

    async def ready(self) -> bool:
        return await inspection.ready(self._core)

    async def health(self, models: Iterable[str] = (), *, deadline_s: float = 30.0) -> list[Health]:
        return await inspection.health(self._core, models, deadline_s)

    async def close(self) -> None:
        await self._core.link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _defaults(
    where: address.Address, deadline_s: float | None, lane: Lane | None, retry: Retry | None, tls: Tls | None
) -> Settings:
    """Check what does not need a connection, so that mistakes surface where they are made."""
    if tls is not None:
        if not where.secure:
            raise BadOption(f"TLS files are of no use with {where}: use grpcs:// or https://.")
        tls.check()
    given = {"deadline_s": deadline_s, "lane": lane, "retry": retry}
    return separate(given, Settings())[0]
