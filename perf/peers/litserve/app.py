"""LitServe: requests in batches of up to 32, two workers, so that one computes while the other decodes and encodes.

LitServe hands whole batches to `predict` and answers when the whole batch is done; it has no bound on its queue, but
sheds requests that waited longer than `timeout`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import litserve
from fastapi import Request, Response

from perf.peers.restorer import MAX_REQUESTS, Restorer, Settings

WORKERS, CODEC_THREADS = 2, 2


class RestoreAPI(litserve.LitAPI):
    """Encoded files in, encoded files out."""

    def setup(self, device: str) -> None:
        self._restorer = Restorer(Settings.from_environment().task)
        self._pool = ThreadPoolExecutor(CODEC_THREADS)

    def decode_request(self, request: Request) -> bytes:
        # LitServe has read the form already: what comes is its fields
        form: Any = request
        data: bytes = form["image"].file.read()
        return data

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        return inputs

    def predict(self, x: list[bytes]) -> list[bytes]:
        return self._restorer.restore_all(x, self._pool)

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> Response:
        return Response(output, media_type="image/jpeg")


def main() -> None:
    settings = Settings.from_environment()
    api = RestoreAPI(max_batch_size=MAX_REQUESTS, batch_timeout=0.01)
    server = litserve.LitServer(
        api, accelerator="cpu", devices=1, workers_per_device=WORKERS, timeout=settings.deadline_s
    )
    server.run(host="127.0.0.1", port=settings.port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
