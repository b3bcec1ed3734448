"""The wire contract as any KServe v2 client would speak it, without our own client: four ways to make one call."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from darkroom.server import Server

TIMEOUT_S = 120
"""For a call; a busy machine must not fail a test."""


T = TypeVar("T")


def until(condition: Callable[[], T]) -> T:
    """Ask again and again until the answer is true-ish, and return it."""
    give_up = time.monotonic() + TIMEOUT_S
    while not (value := condition()):
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.01)
    return value


@dataclass(frozen=True)
class Call:
    """One request to a task model."""

    data: bytes
    task: str = "super_resolution"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Sent as request parameters."""
    headers: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    timeout_us: int | None = None


@dataclass(frozen=True)
class Answer:
    """Both outputs of one request."""

    image: bytes
    report: dict[str, Any]
    shape: tuple[int, ...]
    """Of the output `image`."""
    id: str = ""


class RefusedError(Exception):
    """The server answered with an error: `status` is HTTP's number or gRPC's name of the code."""

    def __init__(self, status: int | str, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        sentence, _, details = message.rpartition("{")
        self.sentence = sentence.strip() or message
        self.details: dict[str, Any] = json.loads("{" + details) if sentence else {}
        """Empty for what Triton itself says."""


def raw(server: Server, call: Call) -> Answer:
    """HTTP with the file as the whole body, as in `curl --data-binary`."""
    headers = {"Inference-Header-Content-Length": "0", **call.headers}
    status, answered, body = post(server, f"/v2/models/{call.task}/infer", call.data, headers)
    if status != 200:
        raise RefusedError(status, json.loads(body)["error"])
    return parse_binary(body, int(answered["Inference-Header-Content-Length"]))


def rest(server: Server, call: Call) -> Answer:
    """HTTP with JSON both ways: every byte of the file a number."""
    tensor = {"name": "image", "shape": [1, len(call.data)], "datatype": "UINT8", "data": list(call.data)}
    body = json.dumps({"id": call.id, "parameters": dict(call.options), "inputs": [tensor]}).encode()
    status, _, answered = post(server, f"/v2/models/{call.task}/infer", body, call.headers)
    content = json.loads(answered)
    if status != 200:
        raise RefusedError(status, content["error"])
    outputs = {output["name"]: output for output in content["outputs"]}
    image = outputs["image"]
    return Answer(
        bytes(image["data"]), json.loads(outputs["report"]["data"][0]), tuple(image["shape"]), content.get("id", "")
    )


def binary(server: Server, call: Call) -> Answer:
    """HTTP with binary tensors, by NVIDIA's client."""
    client = tritonclient.http.InferenceServerClient(server.http_url, network_timeout=TIMEOUT_S)
    try:
        return _infer(client, tritonclient.http.InferInput, call)
    finally:
        client.close()


def grpc(server: Server, call: Call) -> Answer:
    """gRPC, by NVIDIA's client."""
    with grpc_client(server) as client:
        return _infer(client, tritonclient.grpc.InferInput, call)


TRANSPORTS = (raw, rest, binary, grpc)


@contextmanager
def grpc_client(server: Server) -> Iterator[Any]:
    client = tritonclient.grpc.InferenceServerClient(server.grpc_url)
    try:
        yield client
    finally:
        client.close()


def ask(server: Server, query: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One question to the `jobs` model, over gRPC."""
    tensor = tritonclient.grpc.InferInput("query", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([json.dumps(query).encode()], dtype=np.object_))
    with grpc_client(server) as client:
        try:
            result = client.infer("jobs", [tensor], headers=dict(headers or {}), client_timeout=TIMEOUT_S)
        except InferenceServerException as error:
            raise refused(error) from None
    answer: dict[str, Any] = json.loads(result.as_numpy("answer")[0])
    return answer


def post(server: Server, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of one POST. Unlike urllib it leaves the case of header names alone."""
    connection = http.client.HTTPConnection(server.http_url, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def parse_binary(body: bytes, json_size: int) -> Answer:
    """KServe's binary tensor extension: a JSON object of `json_size` bytes, then the outputs one after another."""
    head = json.loads(body[:json_size])
    content: dict[str, bytes] = {}
    at = json_size
    for output in head["outputs"]:
        size = output["parameters"]["binary_data_size"]
        content[output["name"]] = body[at : at + size]
        at += size
    assert at == len(body)
    shapes = {output["name"]: tuple(output["shape"]) for output in head["outputs"]}
    report = content["report"]
    assert int.from_bytes(report[:4], "little") == len(report) - 4
    return Answer(content["image"], json.loads(report[4:]), shapes["image"], head.get("id", ""))


def refused(error: InferenceServerException) -> RefusedError:
    code = str(error.status()).removeprefix("StatusCode.")
    return RefusedError(int(code) if code.isdecimal() else code, error.message())


def _infer(client: Any, tensor_type: Any, call: Call) -> Answer:
    tensor = tensor_type("image", [1, len(call.data)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(call.data, np.uint8)[None])
    try:
        result = client.infer(
            call.task,
            [tensor],
            parameters=dict(call.options) or None,
            headers=dict(call.headers),
            request_id=call.id,
            timeout=call.timeout_us,
        )
    except InferenceServerException as error:
        raise refused(error) from None
    image = result.as_numpy("image")
    answered = result.get_response()
    answered_id = answered["id"] if isinstance(answered, dict) and "id" in answered else getattr(answered, "id", "")
    return Answer(image.tobytes(), json.loads(result.as_numpy("report").ravel()[0]), image.shape, answered_id)
