"""gRPC from any number of threads, over one channel."""

import threading
from concurrent.futures import Future
from typing import Any

from tritonclient.grpc import InferenceServerClient, InferResult
from tritonclient.utils import InferenceServerException

from darkroom_client.address import Address
from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.transports import grpc_common
from darkroom_client.transports.in_flight import InFlight
from darkroom_client.wire import Answer, Call


class GrpcBlocking:
    """tritonclient.grpc. `submit` sends and returns at once; the answer arrives in a Future."""

    cancel_reaches_server = True

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self._client = InferenceServerClient(
            address.target,
            creds=grpc_common.credentials(address.secure, tls),
            channel_args=grpc_common.CHANNEL_OPTIONS,
        )
        self._sending = threading.Lock()

    def submit(self, call: Call) -> InFlight:
        """Send `call`. Cancelling what is returned cancels the job on the server."""
        future: Future[Answer] = Future()

        def arrived(result: InferResult | None, error: InferenceServerException | None) -> None:
            if error is not None:
                future.set_exception(grpc_common.failure_of(error))
                return
            try:
                future.set_result(grpc_common.answer_of(result))
            except Exception as wrong:
                future.set_exception(wrong)

        arguments = grpc_common.infer_arguments(call)
        # tritonclient keeps the call it is just starting in an attribute of the client: two threads inside
        # async_infer at once could swap their callbacks, and so their pictures.
        with self._sending:
            context = self._client.async_infer(callback=arrived, **arguments)
        return InFlight(future, context.cancel)

    def ask(self, question: Question) -> Any:
        """Raises Failure."""
        method, arguments = grpc_common.ask_arguments(question)
        try:
            return grpc_common.plain(question, getattr(self._client, method)(**arguments))
        except InferenceServerException as error:
            raise grpc_common.failure_of(error) from None

    def close(self) -> None:
        self._client.close()
