"""What do the clients cost over bare tritonclient? Eight callers at once, every way in turn, and a folder of 200 photos
through the command line beside a hand-written loop over the same files.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton
from darkroom_client import AsyncDarkroom, Darkroom

from perf.harness import percentile, report, server
from perf.load import photo

CALLERS = 8
SIMULATE = "40,2"
COMMAND = [sys.executable, "-c", "from darkroom_client.cli import main; main()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=160, help="calls of each way in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=200)
    given = parser.parse_args()
    report("clients", [*_calls(given.calls, given.rounds), *_folder(given.photos)])


def _calls(calls: int, rounds: int) -> list[dict[str, object]]:
    """Throughput of each way; the figure is the median over rounds of its ratio to the bare client beside it."""
    data = photo(256, 256)
    rates: dict[str, list[float]] = {}
    with server(["denoise"], SIMULATE) as running:
        bare = _Bare(running.grpc_url)
        grpc, http = Darkroom(running.grpc_url), Darkroom(f"http://{running.http_url}")
        ways: dict[str, Callable[[], None]] = {
            "bare tritonclient, gRPC": partial(_threads, partial(bare.denoise, data), calls),
            "Darkroom, gRPC": partial(_threads, partial(grpc.denoise, data, strength=10), calls),
            "Darkroom, HTTP": partial(_threads, partial(http.denoise, data, strength=10), calls),
            "AsyncDarkroom, gRPC": lambda: asyncio.run(_tasks(running.grpc_url, data, calls)),
        }
        for number in range(rounds + 1):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                if number:  # the first round warms up
                    rates.setdefault(name, []).append(calls / (time.perf_counter() - started))
    base = rates["bare tritonclient, gRPC"]
    return [
        {
            "what": name,
            "pictures/s": percentile(rate, 50),
            "of bare": percentile([ours / theirs for ours, theirs in zip(rate, base, strict=True)], 50),
            "wanted": "" if rate is base else ">= 0.98",
        }
        for name, rate in rates.items()
    ]


def _folder(photos: int) -> list[dict[str, object]]:
    """On the CPU with the real network: the program's start and the files count, as they do for its user."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-photos-"))
    try:
        (folder / "photos").mkdir()
        for number in range(photos):
            (folder / "photos" / f"{number:03}.jpg").write_bytes(photo(256, 256, seed=number, format="JPEG"))
        with server(["denoise"]) as running:
            bare = _Bare(running.grpc_url)
            files = sorted((folder / "photos").iterdir())
            _threads_over(bare.file_to_file, files[:CALLERS], folder)
            command = [*COMMAND, "denoise", str(folder / "photos"), "-o", str(folder / "out"), "-j", str(CALLERS)]
            command += ["-q", "--force", "--strength", "10", "--url", running.grpc_url]
            # The loop before and after the command, so that a neighbour on the machine hurts both alike.
            before = _seconds(lambda: _threads_over(bare.file_to_file, files, folder))
            ours = photos / _seconds(lambda: subprocess.run(command, check=True))
            after = _seconds(lambda: _threads_over(bare.file_to_file, files, folder))
            theirs = 2 * photos / (before + after)
    finally:
        shutil.rmtree(folder)
    return [
        {"what": f"{photos} files, hand-written loop", "pictures/s": theirs, "of bare": 1.0, "wanted": ""},
        {
            "what": f"{photos} files, darkroom denoise",
            "pictures/s": ours,
            "of bare": ours / theirs,
            "wanted": ">= 0.95",
        },
    ]


class _Bare:
    """What a user would write over tritonclient without us."""

    def __init__(self, url: str) -> None:
        self._client = triton.InferenceServerClient(url)

    def denoise(self, data: bytes, output_format: str = "same") -> bytes:
        tensor = triton.InferInput("image", [1, len(data)], "UINT8")
        tensor.set_data_from_numpy(np.frombuffer(data, np.uint8)[None])
        answer = self._client.infer("denoise", [tensor], parameters={"strength": 10, "output_format": output_format})
        return bytes(answer.as_numpy("image").tobytes())

    def file_to_file(self, path: Path, folder: Path) -> None:
        (folder / path.name).write_bytes(self.denoise(path.read_bytes(), "jpeg"))


def _threads(call: Callable[[], object], calls: int) -> None:
    with ThreadPoolExecutor(CALLERS) as pool:
        for done in [pool.submit(call) for _ in range(calls)]:
            done.result()


def _threads_over(call: Callable[[Path, Path], None], files: list[Path], folder: Path) -> None:
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, files, [folder] * len(files)))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def _tasks(url: str, data: bytes, calls: int) -> None:
    left = iter(range(calls))

    async def caller(darkroom: AsyncDarkroom) -> None:
        for _ in left:
            await darkroom.denoise(data, strength=10)

    async with AsyncDarkroom(url) as darkroom:
        await asyncio.gather(*(caller(darkroom) for _ in range(CALLERS)))


if __name__ == "__main__":
    main()
