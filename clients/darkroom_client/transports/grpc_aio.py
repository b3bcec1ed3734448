"""gRPC on an event loop."""

from typing import Any

from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from darkroom_client.address import Address
from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.transports import grpc_common
from darkroom_client.wire import Answer, Call


class GrpcAio:
    """tritonclient.grpc.aio. Made inside the loop that uses it."""

    cancel_reaches_server = True

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self._client = InferenceServerClient(
            address.target,
            creds=grpc_common.credentials(address.secure, tls),
            channel_args=grpc_common.CHANNEL_OPTIONS,
        )

    async def infer(self, call: Call) -> Answer:
        """Raises Failure. Cancelling the task cancels the job on the server."""
        try:
            return grpc_common.answer_of(await self._client.infer(**grpc_common.infer_arguments(call)))
        except InferenceServerException as error:
            raise grpc_common.failure_of(error) from None

    async def ask(self, question: Question) -> Any:
        """Raises Failure."""
        method, arguments = grpc_common.ask_arguments(question)
        try:
            return grpc_common.plain(question, await getattr(self._client, method)(**arguments))
        except InferenceServerException as error:
            raise grpc_common.failure_of(error) from None

    async def close(self) -> None:
        await self._client.close()
