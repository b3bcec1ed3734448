"""What both gRPC transports share: channel options, questions, failures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from tritonclient.utils import InferenceServerException

from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.wire import Call, Failure

MAX_MESSAGE_BYTES = 2**31 - 1
"""Protobuf's own limit, and Triton's: the result of a large picture may have several hundred MB."""

CHANNEL_OPTIONS = [
    # gRPC's own limit for answers is 4 MB, less than one photo.
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A restarted server should be found again within a second; gRPC backs off to two minutes by itself.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # In spite of its name also how long one attempt to connect may take; a loaded machine needs more than 100 ms.
    ("grpc.min_reconnect_backoff_ms", 5000),
    ("grpc.max_reconnect_backoff_ms", 1000),
]

# Words that gRPC itself uses where a connection could not be made or broke. It has no status of its own for that.
_CONNECTION_WORDS = (
    "failed to connect",
    "connection refused",
    "connection reset",
    "connection dropped",
    "connection timed out",
    "connection closed",
    "connection aborted",
    "socket closed",
    "endpoint closing",
    "broken pipe",
    "stream removed",
    "goaway",
    "recvmsg",
    "dns resolution",
    "name resolution",
    "handshake",
    "ping timeout",
    "keepalive",
    "network is unreachable",
    "no route to host",
    "transport is closing",
)


def call_arguments(call: Call) -> dict[str, Any]:
    """Keyword arguments of gRPC beside the message itself."""
    return {"timeout": call.client_timeout_s, "metadata": tuple(metadata(call.headers).items())}


def failure_of_rpc(error: grpc.RpcError) -> Failure:
    """gRPC's exception -> ours."""
    return _failure(str(error.code()), str(error.details() or ""))


def failure_of(error: InferenceServerException) -> Failure:
    """tritonclient's exception -> ours."""
    return _failure(str(error.status() or "UNKNOWN"), str(error.message() or ""))


def _failure(status: str, message: str) -> Failure:
    """Trouble with the connection is told from an answer of the server."""
    status = status.removeprefix("StatusCode.")
    if status == "UNAVAILABLE" and any(word in message.lower() for word in _CONNECTION_WORDS):
        return Failure("UNREACHABLE", _cause(message))
    return Failure(status, message)


def _cause(message: str) -> str:
    """gRPC nests its reasons; the last is the one that tells a person something."""
    return message.rpartition("remote host: ")[2]


def ask_arguments(question: Question) -> tuple[str, dict[str, Any]]:
    """The method of tritonclient's gRPC clients that answers a question, and its arguments."""
    common = {"headers": metadata(question.headers), "client_timeout": question.timeout_s}
    model = {"model_name": question.model, "model_version": question.version}
    match question.about:
        case "server":
            return "get_server_metadata", {**common, "as_json": True}
        case "server_ready":
            return "is_server_ready", common
        case "index":
            return "get_model_repository_index", {**common, "as_json": True}
        case "model":
            return "get_model_metadata", {**common, **model, "as_json": True}
        case "model_config":
            return "get_model_config", {**common, **model, "as_json": True}
        case "model_ready":
            return "is_model_ready", {**common, **model}
        case "load":
            return "load_model", {**common, "model_name": question.model, "config": question.config}
        case "unload":
            return "unload_model", {**common, "model_name": question.model}


def plain(question: Question, reply: Any) -> Any:
    """Strip the wrappers that gRPC puts around two answers and HTTP does not."""
    if question.about == "index":
        return reply.get("models", [])
    if question.about == "model_config":
        return reply.get("config", {})
    return reply


def metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """gRPC refuses metadata keys with capitals; the restricted protocols want the admin key under a longer name."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if "darkroom-admin-key" in lowered:
        lowered["triton-grpc-protocol-darkroom-admin-key"] = lowered["darkroom-admin-key"]
    return lowered


def credentials(secure: bool, tls: Tls | None) -> grpc.ChannelCredentials | None:
    """None for a plain channel. Raises BadOption where a TLS file is missing."""
    if not secure:
        return None
    tls = tls or Tls()
    tls.check()
    ca, key, chain = (None if path is None else Path(path).read_bytes() for path in (tls.ca, tls.key, tls.certificate))
    return grpc.ssl_channel_credentials(ca, key, chain)
