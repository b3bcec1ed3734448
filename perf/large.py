"""Large photographs through the server: the memory that one adds, the deadline that its refusal names, and whether a
job sent with that deadline is done in time.

Real networks on the CPU take minutes a photograph; `--simulate 2,4` (DARKROOM_SIMULATE: milliseconds a batch, a unit)
shows the same memory in seconds. Memory is that of the whole server tree: private pages and shared memory.
"""

import argparse
import asyncio
import contextlib
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image
import skimage.data

from darkroom.server import Server
from perf.harness import own_bytes, report, server
from perf.load import Outcome, Shot, client_of, send

MOST_MIB = 700
"""Memory that one large photograph may add."""
LONGEST_S = 3600.0
SAMPLE_S = 0.2


@dataclass(frozen=True)
class Case:
    """One photograph, and what is done with it."""

    name: str
    task: str
    width: int
    height: int
    noise: float = 0.0
    """Grey levels."""
    format: str = "JPEG"
    options: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("denoise 48 MP", "denoise", 8000, 6000, noise=10.0),
    Case("x2 of 24 MP", "super_resolution", 6000, 4000, options={"scale": 2}),
    Case("x4 of 3840x2160, PNG", "super_resolution", 3840, 2160, format="PNG"),
    Case("x2 of 16889x720", "super_resolution", 16889, 720, options={"scale": 2}),
    Case("denoise 20000x50", "denoise", 20000, 50, noise=10.0),
)
DEFAULT = ("denoise 48 MP", "x2 of 24 MP")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulate", default="", help='DARKROOM_SIMULATE ("2,4"); by default the CPU computes')
    parser.add_argument("--cases", nargs="*", default=DEFAULT, choices=[case.name for case in CASES])
    parser.add_argument("--shrink", type=float, default=1.0, help="divide both sides, for a quick look")
    arguments = parser.parse_args()
    rows = []
    for case in CASES:
        if case.name in arguments.cases:
            data = photograph(case, arguments.shrink)
            with server([case.task], arguments.simulate) as running:
                rows.append(measure(running, case, data))
    device = f"simulated {arguments.simulate}" if arguments.simulate else "CPU"
    report("large_simulated" if arguments.simulate else "large", rows, device=device)


def measure(running: Server, case: Case, data: bytes) -> dict[str, object]:
    """One row: the photograph with the default deadline, then with the one that the refusal names."""
    # the models' lazily made buffers are not the photograph's
    small = photograph(Case("small", case.task, 600, 400, options=case.options), 1.0)
    ask(running, Shot(0, small, case.task, {**case.options, "deadline_s": LONGEST_S}))
    time.sleep(2.0)
    idle = own_bytes(running)
    with highest(running) as peak:
        outcome = ask(running, Shot(0, data, case.task, case.options))
        named_s = deadline_of(outcome)
        if outcome.error:
            options = {**case.options, "deadline_s": named_s or LONGEST_S}
            outcome = ask(running, Shot(0, data, case.task, options))
    return {
        "what": case.name,
        "added (MiB)": (peak[0] - idle) / 2**20,
        "file in (MiB)": len(data) / 2**20,
        "file out (MiB)": outcome.bytes_out / 2**20,
        "seconds": outcome.seconds,
        "deadline named (s)": named_s if named_s is not None else "none",
        "met": not outcome.error,
        "decode, infer, encode (s)": ", ".join(
            f"{outcome.report.get(f'{part}_ms', 0.0) / 1000:.1f}" for part in ("decode", "infer", "encode")
        ),
        "wanted": f"<= {MOST_MIB} MiB, met",
        "error": outcome.error,
    }


def ask(running: Server, shot: Shot) -> Outcome:
    async def once() -> Outcome:
        async with client_of(running.grpc_url) as client:
            return await send(client, shot, time.perf_counter(), LONGEST_S)

    return asyncio.run(once())


def deadline_of(outcome: Outcome) -> float | None:
    """What a refusal names, seconds; None where nothing was refused, or no deadline would do."""
    if not outcome.error:
        return None
    details = json.loads(outcome.error[outcome.error.rindex("{") :])
    assert details["reason"] == "deadline", outcome.error
    named: float | None = details.get("deadline_s")
    return named


@contextlib.contextmanager
def highest(running: Server) -> Iterator[list[float]]:
    """A list whose one number is the highest memory of the server tree meanwhile, bytes."""
    peak, ended = [float(own_bytes(running))], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_S):
            peak[0] = max(peak[0], own_bytes(running))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def photograph(case: Case, shrink: float) -> bytes:
    """An encoded picture with a photograph's detail everywhere: a sample mirrored side by side, each copy of another
    brightness."""
    width, height = max(1, round(case.width / shrink)), max(1, round(case.height / shrink))
    sample = np.asarray(
        PIL.Image.fromarray(skimage.data.astronaut()).resize((1024, 1024), PIL.Image.Resampling.LANCZOS)
    )
    draw = np.random.default_rng(width)
    rows, columns = -(-height // 1024), -(-width // 1024)
    picture = np.empty((height, width, 3), np.uint8)
    for row in range(rows):
        for column in range(columns):
            copy = sample[:: -1 if row % 2 else 1, :: -1 if column % 2 else 1]
            part = picture[row * 1024 : (row + 1) * 1024, column * 1024 : (column + 1) * 1024]
            values = copy[: part.shape[0], : part.shape[1]] * np.float32(draw.uniform(0.6, 1.1))
            if case.noise:
                values += draw.normal(0.0, case.noise, values.shape).astype(np.float32)
            part[:] = np.clip(values, 0, 255)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"quality": 92} if case.format == "JPEG" else {"compress_level": 1}
    PIL.Image.fromarray(picture).save(buffer, case.format, **options)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
