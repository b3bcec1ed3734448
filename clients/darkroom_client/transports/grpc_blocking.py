"""gRPC from any number of threads, over one channel."""

from concurrent.futures import Future
from typing import Any

import grpc
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from darkroom_client.address import Address
from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.transports import grpc_common, grpc_messages
from darkroom_client.transports.in_flight import InFlight
from darkroom_client.wire import Answer, Call, Failure


class GrpcBlocking:
    """gRPC for inference, tritonclient.grpc for questions; they share a connection. `submit` sends and returns at once;
    the answer arrives in a Future."""

    cancel_reaches_server = True

    def __init__(self, address: Address, tls: Tls | None) -> None:
        credentials, options = grpc_common.credentials(address.secure, tls), grpc_common.CHANNEL_OPTIONS
        self._client = InferenceServerClient(address.target, creds=credentials, channel_args=options)
        self._channel = (
            grpc.insecure_channel(address.target, options)
            if credentials is None
            else grpc.secure_channel(address.target, credentials, options)
        )
        # Answers come as bytes: gRPC would keep its own copy while it reads them, and hide what goes wrong.
        self._infer = self._channel.unary_unary(grpc_messages.MODEL_INFER, grpc_messages.serialized)

    def submit(self, call: Call) -> InFlight:
        """Send `call`. Cancelling what is returned cancels the job on the server."""
        future: Future[Answer] = Future()

        def arrived(sent: grpc.Future) -> None:
            try:
                future.set_result(grpc_messages.answer_of(sent.result()))
            except grpc.RpcError as error:
                future.set_exception(grpc_common.failure_of_rpc(error))
            except grpc.FutureCancelledError:
                future.set_exception(Failure("CANCELLED", "The request was cancelled on this side."))
            except Exception as wrong:
                future.set_exception(wrong)

        sent = self._infer.future(call, **grpc_common.call_arguments(call))
        sent.add_done_callback(arrived)
        return InFlight(future, sent.cancel)

    def ask(self, question: Question) -> Any:
        """Raises Failure."""
        method, arguments = grpc_common.ask_arguments(question)
        try:
            return grpc_common.plain(question, getattr(self._client, method)(**arguments))
        except InferenceServerException as error:
            raise grpc_common.failure_of(error) from None

    def close(self) -> None:
        self._channel.close()
        self._client.close()
