"""HTTP on an event loop."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import numpy as np
from tritonclient.http import InferInput, InferRequestedOutput, InferResult
from tritonclient.http.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from darkroom_client.address import Address
from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.wire import Answer, Call, Failure, status_of_http

T = TypeVar("T")

# tritonclient's limit holds for connecting, sending and receiving together; jobs may take longer than its 60 s.
_NO_LIMIT = None
_CONNECTIONS = 256
# aiohttp offers gzip by itself, and Triton takes the offer: a second of its CPU for 30 MB that are compressed already.
_UNCOMPRESSED = {"accept-encoding": "identity"}


class HttpAio:
    """tritonclient.http.aio over aiohttp's pool of connections. Made inside the loop that uses it."""

    cancel_reaches_server = False

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self._client = InferenceServerClient(
            address.target,
            conn_limit=_CONNECTIONS,
            conn_timeout=_NO_LIMIT,
            ssl=address.secure,
            # aiohttp takes True for "verify as usual"; tritonclient hands this straight on.
            ssl_context=(tls or Tls()).context() if address.secure else True,
        )

    async def infer(self, call: Call) -> Answer:
        """Raises Failure. Cancelling the task closes the connection, which the server does not notice."""
        return await _bounded(lambda: self._infer(call), call.client_timeout_s)

    async def _infer(self, call: Call) -> Answer:
        tensor = InferInput(call.input_name, _shape(call), call.datatype)
        if call.datatype == "BYTES":
            tensor.set_data_from_numpy(np.array([call.input_bytes], dtype=np.object_))
        else:
            tensor.set_data_from_numpy(np.frombuffer(call.input_bytes, dtype=np.uint8)[np.newaxis])
        result = await self._client.infer(
            call.model,
            [tensor],
            model_version=call.version,
            outputs=[InferRequestedOutput(name, binary_data=True) for name in call.outputs],
            request_id=call.request_id,
            priority=call.priority,
            timeout=call.timeout_us,
            headers={**_UNCOMPRESSED, **call.headers},
            parameters=dict(call.parameters),
        )
        return _answer_of(result, call)

    async def ask(self, question: Question) -> Any:
        """Raises Failure."""
        return await _bounded(lambda: self._ask(question), question.timeout_s)

    async def _ask(self, question: Question) -> Any:
        headers = {**_UNCOMPRESSED, **question.headers}
        model = {"model_name": question.model, "model_version": question.version, "headers": headers}
        match question.about:
            case "server":
                return await self._client.get_server_metadata(headers=headers)
            case "server_ready":
                return await self._client.is_server_ready(headers=headers)
            case "index":
                return await self._client.get_model_repository_index(headers=headers)
            case "model":
                return await self._client.get_model_metadata(**model)
            case "model_config":
                return await self._client.get_model_config(**model)
            case "model_ready":
                return await self._client.is_model_ready(**model)
            case "load":
                return await self._client.load_model(question.model, headers=headers, config=question.config)
            case "unload":
                return await self._client.unload_model(question.model, headers=headers)

    async def close(self) -> None:
        await self._client.close()


def _shape(call: Call) -> list[int]:
    return [1] if call.datatype == "BYTES" else [1, len(call.input_bytes)]


def _answer_of(result: InferResult, call: Call) -> Answer:
    outputs = {}
    for name in call.outputs:
        array = result.as_numpy(name)
        if array is None:
            continue
        is_text = array.dtype == np.object_
        outputs[name] = bytes(array.reshape(-1)[0]) if is_text else array.tobytes()
    return Answer(result.get_response().get("id", ""), outputs)


async def _bounded(work: Callable[[], Awaitable[T]], seconds: float | None) -> T:
    """Run with a limit in seconds, and turn every way to fail into Failure."""
    try:
        async with asyncio.timeout(seconds):
            return await work()
    except InferenceServerException as error:
        raise Failure(status_of_http(str(error.status())), str(error.message())) from None
    except TimeoutError:
        raise Failure("DEADLINE_EXCEEDED", f"The server did not answer within {seconds:g} s.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Failure("UNREACHABLE", _cause(error)) from None


def _cause(error: aiohttp.ClientError | OSError) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno)
    return str(error) or type(error).__name__
