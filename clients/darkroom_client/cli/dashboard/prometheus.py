"""Asking Prometheus for the lines of a chart."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from darkroom_client.cli.dashboard.panels import Query
from darkroom_client.errors import BadOption, Unavailable

_TIMEOUT_S = 10.0
_POINTS = 240
"""A chart's width in values; more would not be seen."""
_FINEST_S = 1.0


@dataclass(frozen=True)
class Line:
    """One time series of a query."""

    name: str
    points: tuple[tuple[float, float], ...]
    """(Unix time in seconds, value); what was not a number (0 / 0) is left out."""


class Prometheus:
    """One Prometheus server, by its base URL."""

    def __init__(self, url: str) -> None:
        """Raises BadOption for what is no http(s) URL."""
        if not url.startswith(("http://", "https://")):
            raise BadOption(f"Prometheus's address must start with http:// or https://, got {url!r}.")
        self.url = url.rstrip("/")

    def lines(self, query: Query, start: float, end: float) -> list[Line]:
        """The query over `start` to `end` (Unix seconds). Raises BadOption (a wrong query), Unavailable."""
        step = max(_FINEST_S, (end - start) / _POINTS)
        asked = urllib.parse.urlencode({"query": query.promql, "start": start, "end": end, "step": f"{step:.3f}"})
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/query_range?{asked}", timeout=_TIMEOUT_S) as answer:
                found = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise BadOption(f"Prometheus refused {query.promql!r}: {_reason(error)}") from None
        except (OSError, ValueError, KeyError) as error:
            raise Unavailable(f"Prometheus at {self.url} does not answer: {error}.") from None
        lines = [Line(_name(query.legend, series["metric"]), _points(series["values"])) for series in found]
        return sorted((line for line in lines if line.points), key=lambda line: line.name)


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError):
        return f"HTTP {error.code}."


def _name(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: labels.get(match[1], ""), legend).strip()


def _points(values: list[tuple[float, str]]) -> tuple[tuple[float, float], ...]:
    numbers = ((float(at), float(value)) for at, value in values)
    return tuple((at, value) for at, value in numbers if value == value and abs(value) != float("inf"))
