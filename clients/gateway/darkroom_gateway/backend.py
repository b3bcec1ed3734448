"""What the gateway needs of a Darkroom server: a part of `darkroom_client.AsyncDarkroom`."""

from typing import Any, Protocol

from darkroom_client import AsyncDarkroom, Health, ImageInput, Quote, Result, Retry, Tls, Totals

from darkroom_gateway.settings import Settings

RETRY = Retry(tries=2, busy_tries=1, first_s=0.2, most_s=1.0)
"""A busy server is the caller's to know. A lost process or a reload is repaired once, which a caller rarely notices."""


class Backend(Protocol):
    async def run(self, task: str, image: ImageInput, **options: Any) -> Result: ...
    async def quote(self, task: str, image: ImageInput, **options: Any) -> Quote: ...
    async def totals(self) -> Totals: ...
    async def ready(self) -> bool: ...
    async def health(self) -> list[Health]: ...
    async def close(self) -> None: ...


def connect(settings: Settings) -> Backend:
    """Raises darkroom_client.BadOption for an address that cannot be used; connects when first asked."""
    tls = Tls(ca=settings.triton_ca) if settings.triton_ca else None
    return AsyncDarkroom(settings.triton, retry=RETRY, tls=tls)
