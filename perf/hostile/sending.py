"""The ways by which a file can reach a task, and what comes back, told in one vocabulary."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tritonclient.grpc
from tritonclient.utils import InferenceServerException

from perf.hostile import Hostile

TIMEOUT_S = 60.0
"""An answer later than this is a hang."""
_MODEL = "super_resolution"
_SCALE = 2
_MOST_BYTES_OF_JSON = 20_000
"""Every byte is a number there, and a file of a megabyte would be one of numbers."""
_RAW = {"Inference-Header-Content-Length": "0", "darkroom-scale": str(_SCALE)}
_STATUS = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "UNAVAILABLE": 503,
    "CANCELLED": 400,
    "DEADLINE_EXCEEDED": 0,
}
"""gRPC's codes as HTTP's; whatever is not here is a 500."""


@dataclass(frozen=True)
class Verdict:
    """What became of one file."""

    what: str
    """The file and the way it took."""
    status: int
    """HTTP's, for gRPC too; 0: no answer within `TIMEOUT_S`, or a broken connection."""
    message: str
    """Of a refusal."""
    picture: bytes
    seconds: float

    @property
    def answer(self) -> str:
        """A word for the table: "ok", the reason of a refusal, "hang", or the status where there is no reason."""
        if self.status == 0:
            return "hang"
        if self.status == 200:
            return "ok"
        try:
            # the gateway's body is JSON as a whole, the server's message ends in an object
            start = 0 if self.message.startswith("{") else self.message.rindex("{")
            return str(json.loads(self.message[start:])["reason"])
        except (ValueError, KeyError):
            return "busy" if "Exceeds maximum queue size" in self.message else f"status {self.status}"

    @property
    def failed(self) -> bool:
        """Whether it is none of what a hostile file may get: a picture, a refusal with a reason, or busy."""
        return self.answer not in ("ok", "bad_image", "bad_option", "too_large", "bad_form", "busy", "deadline")


class Sender:
    """Sends files to one server. Any thread; each has its own connections."""

    def __init__(self, http_url: str, grpc_url: str, gateway_url: str = "") -> None:
        self._http, self._gateway = http_url, gateway_url.removeprefix("http://")
        self._client = tritonclient.grpc.InferenceServerClient(grpc_url)
        self._local = threading.local()
        self.ways: dict[str, Callable[[bytes], tuple[int, str, bytes]]] = {
            "http raw": self._raw,
            "http binary": self._binary,
            "http json": self._json,
            "grpc": self._grpc,
        }
        if gateway_url:
            self.ways |= {"gateway": self._rest, "gateway form": self._form}

    def send(self, way: str, file: Hostile) -> Verdict:
        """One file by one way."""
        started = time.perf_counter()
        try:
            status, message, picture = self.ways[way](file.data)
        except (OSError, http.client.HTTPException) as error:
            self._local.__dict__.clear()
            status, message, picture = 0, repr(error), b""
        return Verdict(f"{file.what}, by {way}", status, message, picture, time.perf_counter() - started)

    def send_all(self, files: Iterable[Hostile], callers: int) -> list[Verdict]:
        """Every file by one of the ways, in turn; `callers` at a time."""
        names = list(self.ways)
        verdicts: list[Verdict] = []
        left = enumerate(files)
        taking = threading.Lock()

        def call() -> None:
            while True:
                with taking:
                    number, file = next(left, (0, None))
                if file is None:
                    return
                verdicts.append(self.send(names[number % len(names)], file))

        with ThreadPoolExecutor(callers) as pool:
            for done in [pool.submit(call) for _ in range(callers)]:
                done.result()
        return verdicts

    def close(self) -> None:
        """Let go of gRPC's channel; connections of HTTP end with their threads."""
        self._client.close()

    def _raw(self, data: bytes) -> tuple[int, str, bytes]:
        return self._triton(data, _RAW)

    def _binary(self, data: bytes) -> tuple[int, str, bytes]:
        tensor = {**_tensor(data), "parameters": {"binary_data_size": len(data)}}
        head = json.dumps({"inputs": [tensor], "parameters": {"scale": _SCALE, "binary_data_output": True}}).encode()
        return self._triton(head + data, {"Inference-Header-Content-Length": str(len(head))})

    def _json(self, data: bytes) -> tuple[int, str, bytes]:
        if len(data) > _MOST_BYTES_OF_JSON:
            return self._binary(data)
        body = {"inputs": [{**_tensor(data), "data": list(data)}], "parameters": {"scale": _SCALE}}
        return self._triton(json.dumps(body).encode(), {})

    def _triton(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        status, answered, content = self._post(self._http, f"/v2/models/{_MODEL}/infer", body, headers)
        if status != 200:
            return status, json.loads(content).get("error", ""), b""
        size = answered.get("inference-header-content-length")
        head = json.loads(content[: int(size)] if size else content)
        image = next(output for output in head["outputs"] if output["name"] == "image")
        if not size:
            return status, "", bytes(image["data"])
        return status, "", content[int(size) :][: image["parameters"]["binary_data_size"]]

    def _grpc(self, data: bytes) -> tuple[int, str, bytes]:
        tensor = tritonclient.grpc.InferInput("image", [1, len(data)], "UINT8")
        tensor.set_data_from_numpy(np.frombuffer(data, np.uint8)[None])
        try:
            result = self._client.infer(_MODEL, [tensor], parameters={"scale": _SCALE}, client_timeout=TIMEOUT_S)
        except InferenceServerException as error:
            code = str(error.status()).removeprefix("StatusCode.")
            return _STATUS.get(code, 500), error.message(), b""
        return 200, "", result.as_numpy("image").tobytes()

    def _rest(self, data: bytes) -> tuple[int, str, bytes]:
        return self._through_gateway(data, {"Content-Type": "application/octet-stream"})

    def _form(self, data: bytes) -> tuple[int, str, bytes]:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        return self._through_gateway(body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def _through_gateway(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        path = f"/v1/super-resolution?scale={_SCALE}"
        status, _, content = self._post(self._gateway, path, body, headers)
        return (status, "", content) if status == 200 else (status, content.decode(), b"")

    def _post(
        self, where: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        connections: dict[str, http.client.HTTPConnection] = self._local.__dict__.setdefault("connections", {})
        kept = connections.get(where)
        if kept is not None:
            try:
                return _exchange(kept, path, body, headers)
            except (ConnectionError, http.client.RemoteDisconnected):
                pass  # closed while it was idle, as servers do: only a new connection tells whether it was the file
        connections[where] = http.client.HTTPConnection(where, timeout=TIMEOUT_S)
        return _exchange(connections[where], path, body, headers)


def _exchange(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, str], bytes]:
    connection.request("POST", path, body, dict(headers))
    answer = connection.getresponse()
    content = answer.read()
    if answer.will_close:
        connection.close()
    return answer.status, {name.lower(): value for name, value in answer.headers.items()}, content


def _tensor(data: bytes) -> dict[str, object]:
    return {"name": "image", "shape": [1, len(data)], "datatype": "UINT8"}
