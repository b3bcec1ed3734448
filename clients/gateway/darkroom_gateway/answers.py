"""A finished picture as an HTTP answer: the file with its report in a header, or both as JSON."""

import asyncio
import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from darkroom_client import Result
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from darkroom_gateway.budget import Sending
from darkroom_gateway.memory import give_back
from darkroom_gateway.pictures import media_type

REPORT_HEADER = "darkroom-report"
_MOST_HEADER_BYTES = 3000
"""Proxies commonly take 4 to 8 kB of headers; a report with a hundred faces is longer."""


_PIECE_BYTES = 3 * 2**20
"""A multiple of three, so that the pieces in base64 join without padding."""


def picture_answer(result: Result, share: Sending, *, as_json: bool, stall_s: float) -> Response:
    """200 with the picture; `as_json`: {"image": base64, "content_type": ..., "report": {...}}.

    `share` is closed when the answer was sent. `stall_s`: seconds in which the caller must take each piece of 3 MiB.
    """
    kind = media_type(result.bytes)
    headers = {"cache-control": "no-store"}
    if as_json:
        pieces, length = _as_json(result, kind)
        return _Answer(pieces, length, headers, "application/json", share, stall_s)
    headers[REPORT_HEADER] = report_header(result.report.raw)
    return _Answer(_pieces(result.bytes), len(result.bytes), headers, kind, share, stall_s)


class _Answer(Response):
    """Sent in pieces: a transport that is given a large picture at once would hold it after its share was closed."""

    def __init__(
        self,
        pieces: Iterable[bytes],
        length: int,
        headers: Mapping[str, str],
        media_type: str,
        share: Sending,
        stall_s: float,
    ) -> None:
        super().__init__(None, 200, {**headers, "content-length": str(length)}, media_type)
        self._pieces, self._share, self._stall_s = pieces, share, stall_s
        self._length = length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for piece in self._pieces:
                async with asyncio.timeout(self._stall_s):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # the server closes a connection whose answer is incomplete
        finally:
            self._pieces = ()
            self._share.close()
        await give_back(self._length)


def report_header(report: Mapping[str, Any]) -> str:
    """The report as ASCII JSON in one line; what makes it too long for a header is left out and named in `omitted`."""
    short = dict(report)
    text = _compact(short)
    omitted: list[str] = []
    while len(text) > _MOST_HEADER_BYTES and short:
        largest = max(short, key=lambda name: len(_compact(short[name])))
        omitted.append(largest)
        del short[largest]
        text = _compact({**short, "omitted": omitted})
    return text


def _as_json(result: Result, kind: str) -> tuple[Iterator[bytes], int]:
    """The pieces of the body, and its length in bytes."""
    # Base64 needs no escaping, and a JSON encoder would copy a large picture several times.
    begin = b'{"image":"'
    end = b'",' + _compact({"content_type": kind, "report": dict(result.report.raw)})[1:].encode()

    def pieces() -> Iterator[bytes]:
        yield begin
        for piece in _pieces(result.bytes):
            yield base64.b64encode(piece)
        yield end

    return pieces(), len(begin) + -(-len(result.bytes) // 3) * 4 + len(end)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
