"""What the supervisor asks of a running tritonserver, over its HTTP interface on loopback."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ApiError(Exception):
    """tritonserver answered with an error; the message is its own."""


@dataclass(frozen=True)
class Served:
    """One version in Triton's index. `state`: READY, LOADING, UNLOADING, UNAVAILABLE."""

    model: str
    version: str
    state: str
    reason: str = ""


class TritonApi:
    """One server, one connection a call. Calls raise ApiError, and OSError (TimeoutError) where nothing answers."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        """`headers`: those with the admin key."""
        self._host, self._port, self._headers = host, port, dict(headers)

    def index(self, timeout_s: float) -> list[Served]:
        """The versions that Triton has tried to load; models it never loaded are not among them."""
        entries = json.loads(self.call("POST", "/v2/repository/index", b"{}", timeout_s))
        return [
            Served(entry["name"], str(entry["version"]), entry.get("state", ""), entry.get("reason", ""))
            for entry in entries
            if "version" in entry
        ]

    def config(self, model: str, timeout_s: float) -> dict[str, Any]:
        """The configuration in force, with what Triton filled in."""
        content: dict[str, Any] = json.loads(self.call("GET", f"/v2/models/{model}/config", b"", timeout_s))
        return content

    def load(self, model: str, config: Mapping[str, Any] | None, timeout_s: float) -> None:
        """Load or reload; `config` overrides the file's. Returns when it serves."""
        body = {"parameters": {"config": json.dumps(config)}} if config is not None else {}
        self.call("POST", f"/v2/repository/models/{model}/load", json.dumps(body).encode(), timeout_s)

    def unload(self, model: str, timeout_s: float) -> None:
        """Begin to unload. Triton answers at once; a job that can never be answered keeps the old one UNLOADING for
        ever, which does not keep a new one from loading."""
        self.call("POST", f"/v2/repository/models/{model}/unload", b"{}", timeout_s)

    def call(
        self, method: str, path: str, body: bytes, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a 200. `timeout_s`: seconds for each of its reads and writes."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            connection.request(method, path, body, {**self._headers, **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"no HTTP answer ({type(error).__name__})") from None
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise ApiError(_message(content) or f"status {answer.status}")
        return content


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return content.decode("utf-8", "replace")
