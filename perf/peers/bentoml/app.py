"""BentoML: a service that answers callers and refuses beyond `max_concurrency`, before one that batches up to 32
requests adaptively in two workers, so that one computes while the other decodes and encodes.
"""

import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType

from perf.peers.restorer import MAX_REQUESTS, Restorer, Settings

WORKERS, CODEC_THREADS = 2, 2
SETTINGS = Settings.from_environment()
Upload = Annotated[Path, ContentType("image/jpeg")]
Picture = Annotated[bytes, ContentType("image/jpeg")]


@bentoml.service(workers=WORKERS, threads=1, traffic={"timeout": SETTINGS.deadline_s})
class Restoration:
    """Whole requests in batches; the files alone travel between the processes."""

    def __init__(self) -> None:
        self._restorer = Restorer(SETTINGS.task)
        self._pool = ThreadPoolExecutor(CODEC_THREADS)

    @bentoml.api(batchable=True, max_batch_size=MAX_REQUESTS, max_latency_ms=int(1000 * min(60.0, SETTINGS.deadline_s)))
    def restore(self, files: list[bytes]) -> list[bytes]:
        return self._restorer.restore_all(files, self._pool)


@bentoml.service(workers=1, traffic={"timeout": SETTINGS.deadline_s, "max_concurrency": SETTINGS.queue})
class Pictures:
    """What callers talk to."""

    restoration = bentoml.depends(Restoration)

    @bentoml.api(route="/predict")
    async def predict(self, image: Upload, /) -> Picture:
        client = self.restoration.to_async
        # after 100 requests, or 300 s, BentoML 1.4 closes this client under the requests it still waits for
        client._session_manager.max_requests = sys.maxsize
        client._session_manager.max_age = math.inf
        (answer,) = await client.restore([image.read_bytes()])
        return answer


def main() -> None:
    # BentoML's own processes import the service by name, so it must not be run as a script
    command = [sys.executable, "-m", "bentoml", "serve", "perf.peers.bentoml.app:Pictures"]
    command += ["--host", "127.0.0.1", "--port", str(SETTINGS.port)]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
