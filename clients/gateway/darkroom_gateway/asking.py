"""Query parameters and form fields to validated options; refusals name the option, the value and what is allowed."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from darkroom_gateway.options import Options
from darkroom_gateway.problems import Problem

_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


@dataclass(frozen=True)
class Asked:
    options: Options
    given: dict[str, Any] = field(default_factory=dict)
    """Only what the caller gave: the rest is the server's to decide."""
    in_background: bool = False


def parse(kind: type[Options], pairs: Iterable[tuple[str, str]]) -> Asked:
    """Raises Problem (422). An empty value counts as not given, since HTML forms send all their fields."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise _refused(f"{_quoted(name)} is given twice; once is enough.")
        values[name] = value
    in_background = _flag("async", values.pop("async", ""))
    for name in values:
        if name not in kind.model_fields:
            raise _refused(_unknown(name, kind))
    try:
        options = kind.model_validate({name: value for name, value in values.items() if value != ""})
    except ValidationError as error:
        raise _wrong(kind, str(error.errors()[0]["loc"][0]), values) from None
    for name, about in kind.model_fields.items():
        extra = about.json_schema_extra
        allowed = extra.get("enum") if isinstance(extra, dict) else None
        if isinstance(allowed, list) and getattr(options, name) not in allowed:
            raise _wrong(kind, name, values)
    return Asked(options, options.model_dump(exclude_unset=True), in_background)


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _YES + _NO:
        raise _refused(f"{name} must be true or false, got {_quoted(value)}.")
    return value.lower() in _YES


def _unknown(name: str, kind: type[Options]) -> str:
    known = sorted([*kind.model_fields, "async"])
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"Unknown option {_quoted(name)}.{hint} Known options: {', '.join(known)}."


def _wrong(kind: type[Options], name: str, values: dict[str, str]) -> Problem:
    return _refused(f"{name} must be {kind.model_fields[name].description}, got {_quoted(values[name])}.")


def _refused(sentence: str) -> Problem:
    return Problem(422, "bad_option", sentence)


def _quoted(value: str) -> str:
    return f'"{value}"' if len(value) <= 80 else f'"{value[:77]}..."'
