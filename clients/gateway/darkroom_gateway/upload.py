"""A request's body, read as it comes: a form or the bare picture, bounded in bytes and in time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import ClientDisconnect, Request

from darkroom_gateway.budget import Held
from darkroom_gateway.form import OVERHEAD_BYTES, FormReader, too_large
from darkroom_gateway.presence import ClientGone
from darkroom_gateway.problems import Problem
from darkroom_gateway.settings import Settings
from darkroom_gateway.trace import trace_of

_DRAIN_S = 3.0
_RAW_TYPES = ("application/octet-stream", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Upload:
    picture: bytes = field(repr=False)
    fields: Sequence[tuple[str, str]] = ()


async def read_upload(request: Request, settings: Settings, held: Held) -> Upload:
    """Raises Problem: 400, 408, 413, 415, 429 (no room); ClientGone. Never keeps more than `settings.max_bytes` of
    picture."""
    reader, most = _reader_of(request, settings)
    try:
        declared = _declared(request)
        if declared is not None:
            if declared > most:
                raise too_large(settings.max_bytes)
            held.grow_to(declared)
        async with asyncio.timeout(settings.upload_s) as limit:
            await _receive(request, reader, most, settings, held, limit)
    except TimeoutError:
        raise _too_slow(trace_of(request).bytes_in, settings) from None
    except ClientDisconnect:
        raise ClientGone from None
    except Problem as problem:
        await _drain(request, settings.max_bytes)
        raise Problem(
            problem.status, problem.reason, problem.detail, problem.retry_after_s, {"connection": "close"}
        ) from None
    return Upload(reader.finish(), reader.fields)


class _Reader(Protocol):
    fields: list[tuple[str, str]]

    def feed(self, chunk: bytes) -> None: ...
    def finish(self) -> bytes: ...


class _RawReader:
    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> bytes:
        return b"".join(self._chunks)


def _reader_of(request: Request, settings: Settings) -> tuple[_Reader, int]:
    """A reader for the body's content type, and the most bytes the body may have."""
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return FormReader(given, settings.max_bytes), settings.max_bytes + OVERHEAD_BYTES
    # curl calls every body of --data-binary a form; the picture's own first bytes decide what it is.
    if not kind or kind.startswith("image/") or kind in _RAW_TYPES:
        return _RawReader(), settings.max_bytes
    raise Problem(
        415,
        "bad_type",
        "The body must be the picture itself (image/* or application/octet-stream), or multipart/form-data with the "
        f'field "image"; got {kind[:80]!r}.',
    )


async def _receive(
    request: Request, reader: _Reader, most: int, settings: Settings, held: Held, limit: asyncio.Timeout
) -> None:
    """`limit` moves with what arrives: a large picture may take longer, and a caller who stalls may not."""
    trace = trace_of(request)
    ends = asyncio.get_running_loop().time() + settings.upload_s
    async for chunk in request.stream():
        trace.bytes_in += len(chunk)
        if trace.bytes_in > most:
            raise too_large(settings.max_bytes)
        held.grow_to(trace.bytes_in)
        limit.reschedule(ends + trace.bytes_in / settings.upload_bytes_per_s)
        reader.feed(chunk)


def _too_slow(received: int, settings: Settings) -> Problem:
    allowed_s = settings.upload_s + received / settings.upload_bytes_per_s
    detail = (
        f"The request did not arrive within {allowed_s:.3g} s ({received:,} bytes came); a request has "
        f"{settings.upload_s:g} s and a second more for every {settings.upload_bytes_per_s:,} bytes."
    )
    return Problem(408, "slow_upload", detail, headers={"connection": "close"})


def _declared(request: Request) -> int | None:
    value = request.headers.get("content-length", "")
    return int(value) if value.isdecimal() else None


async def _drain(request: Request, most: int) -> None:
    """Read on and forget for a while: closing on a caller who is still sending resets the connection, and he would
    not see why. One who asked first (Expect: 100-continue) has not begun to send."""
    if request.headers.get("expect", "").lower() == "100-continue" and not trace_of(request).bytes_in:
        return
    dropped = 0
    try:
        async with asyncio.timeout(_DRAIN_S):
            while dropped <= most:
                message = await request.receive()
                dropped += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
