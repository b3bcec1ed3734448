"""gRPC on an event loop."""

from typing import Any

import grpc
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from darkroom_client.address import Address
from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.transports import grpc_common, grpc_messages
from darkroom_client.wire import Answer, Call


class GrpcAio:
    """gRPC for inference, tritonclient.grpc.aio for questions; they share a connection. Made inside the loop that uses
    it."""

    cancel_reaches_server = True

    def __init__(self, address: Address, tls: Tls | None) -> None:
        credentials, options = grpc_common.credentials(address.secure, tls), grpc_common.CHANNEL_OPTIONS
        self._client = InferenceServerClient(address.target, creds=credentials, channel_args=options)
        self._channel = (
            grpc.aio.insecure_channel(address.target, options)
            if credentials is None
            else grpc.aio.secure_channel(address.target, credentials, options)
        )
        # Answers come as bytes: gRPC would keep its own copy while it reads them, and hide what goes wrong.
        self._infer = self._channel.unary_unary(grpc_messages.MODEL_INFER, grpc_messages.serialized)

    async def infer(self, call: Call) -> Answer:
        """Raises Failure. Cancelling the task cancels the job on the server."""
        try:
            message = await self._infer(call, **grpc_common.call_arguments(call))
        except grpc.RpcError as error:
            raise grpc_common.failure_of_rpc(error) from None
        return grpc_messages.answer_of(message)

    async def ask(self, question: Question) -> Any:
        """Raises Failure."""
        method, arguments = grpc_common.ask_arguments(question)
        try:
            return grpc_common.plain(question, await getattr(self._client, method)(**arguments))
        except InferenceServerException as error:
            raise grpc_common.failure_of(error) from None

    async def close(self) -> None:
        await self._channel.close()
        await self._client.close()
