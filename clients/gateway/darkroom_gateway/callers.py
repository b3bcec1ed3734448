"""Who may call, and how much: API keys with limits of their own.

The file is TOML, one table a caller; it holds digests, so that reading it gives nobody a key:

    [alice]
    sha256 = "..."      # of the key
    per_minute = 120    # pictures; without it, no limit
    at_a_time = 4       # pictures in work; without it, no limit

`python -m darkroom_gateway.callers alice` makes up a key and prints both. Limits hold per gateway process. A file that
changes is read again within a second; should it be unusable then, the keys known before stay.
"""

import contextlib
import hashlib
import secrets
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from starlette.datastructures import Headers

from darkroom_gateway.logs import LOG
from darkroom_gateway.problems import Problem, busy

_LOOK_EVERY_S = 1.0


class CallersError(Exception):
    """The file of API keys cannot be used; the message says why."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    per_minute: PositiveInt | None = None
    at_a_time: PositiveInt | None = None


@dataclass
class Caller:
    """A token bucket of a minute's worth of pictures, and a count of those in work."""

    name: str = ""
    per_minute: int | None = None
    at_a_time: int | None = None
    _tokens: float = field(init=False)
    _filled: float = field(init=False)
    _in_work: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._tokens = float(self.per_minute or 0)
        self._filled = time.monotonic()

    @property
    def limits(self) -> tuple[str, int | None, int | None]:
        """Whose, and which."""
        return self.name, self.per_minute, self.at_a_time

    @contextlib.contextmanager
    def picture(self) -> Iterator[None]:
        """While one picture of this caller is in work. Raises Problem (429) beyond his limits."""
        if self.at_a_time is not None and self._in_work >= self.at_a_time:
            raise busy(f"This API key may have {self.at_a_time} pictures in work at a time.")
        if self.per_minute is not None:
            self._take(self.per_minute)
        self._in_work += 1
        try:
            yield
        finally:
            self._in_work -= 1

    def _take(self, per_minute: int) -> None:
        now = time.monotonic()
        per_s = per_minute / 60
        self._tokens = min(float(per_minute), self._tokens + (now - self._filled) * per_s)
        self._filled = now
        if self._tokens < 1:
            raise busy(f"This API key may send {per_minute} pictures a minute.", (1 - self._tokens) / per_s)
        self._tokens -= 1


class Callers:
    """All who may call. Without a file, everybody, without limits."""

    def __init__(self, path: Path | None) -> None:
        """Raises CallersError."""
        self._path = path
        self._by_digest = None if path is None else _read(path)
        self._seen = None if path is None else _look(path)
        self._next_look = time.monotonic() + _LOOK_EVERY_S
        self._anyone = Caller()

    @property
    def keys_needed(self) -> bool:
        return self._by_digest is not None

    def known(self, headers: Headers) -> Caller:
        """The caller of a request: `Authorization: Bearer KEY` or `X-API-Key: KEY`. Raises Problem (401)."""
        if self._path is None or self._by_digest is None:
            return self._anyone
        self._read_again(self._path, self._by_digest)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Looking up a digest tells nothing by its timing.
        caller = self._by_digest.get(_digest(given))
        if caller is None:
            why = "is not known" if given else "is missing"
            detail = f"The API key {why}; send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
            raise Problem(401, "api_key", detail, headers={"www-authenticate": "Bearer"})
        return caller

    def _read_again(self, path: Path, before: Mapping[str, Caller]) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY_S
        seen = _look(path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            now = _read(path)
        except CallersError as error:
            LOG.error("the API keys stay as they were", extra={"facts": {"why": str(error)}})
            return
        # Whoever keeps his limits keeps what he has used of them.
        self._by_digest = {digest: _same(before.get(digest), caller) for digest, caller in now.items()}
        LOG.info("the API keys were read again", extra={"facts": {"callers": len(now)}})


def _same(before: Caller | None, now: Caller) -> Caller:
    return before if before is not None and before.limits == now.limits else now


def _look(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of the file from another; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> Mapping[str, Caller]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = {name: _Entry.model_validate(table) for name, table in tables.items()}
    except OSError as error:
        raise CallersError(f"The file of API keys {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CallersError(f"The file of API keys {path} is no TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "a table"
        raise CallersError(f"The file of API keys {path}: {where}: {first['msg']}.") from None
    return {entry.sha256: Caller(name, entry.per_minute, entry.at_a_time) for name, entry in entries.items()}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def mint(name: str) -> tuple[str, str]:
    """A new key, and its table for the file."""
    key = secrets.token_urlsafe(24)
    return key, f'[{name}]\nsha256 = "{_digest(key)}"\n'


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].replace("-", "_").isidentifier():
        print("usage: python -m darkroom_gateway.callers NAME", file=sys.stderr)
        return 2
    key, table = mint(arguments[0])
    print(f"# The key, shown only now: {key}\n{table}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
