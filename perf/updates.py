"""Updates and rollbacks of models on a busy server: what fails, what is answered wrongly, what callers wait.

Simulated device, 40 ms a batch and 2 ms a unit; 16 callers in a closed loop, 256x256 denoise and super-resolution in
turn. An update publishes a hard-linked copy of the newest version under the next number and loads it; a rollback pins
the version before, and the next load ends the pin. Every answer is compared with the bytes that its picture was
answered with before the first update, and must come from a version that was served while it was in work.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tritonclient.grpc as sync_grpc
from darkroom_client import AsyncDarkroom
from tritonclient.utils import InferenceServerException

from darkroom.server import Server
from perf.harness import OUT, percentile, report, tree_rss
from perf.load import client_of, photo
from perf.versions import copy_repository, publish_copy

SIMULATE = "40,2"
MODELS = ("denoise", "super_resolution")
PICTURES = 8
KEPT_VERSIONS = 3
UNLOAD_S = 1.5
"""Triton takes about a second to let a replaced version go."""


@dataclass
class Served:
    """One answer, or why there was none."""

    model: str
    started_s: float
    seconds: float
    version: int = 0
    error: str = ""
    right: bool = True


@dataclass
class Callers:
    """A closed loop that runs until it is told to stop."""

    url: str
    count: int
    answers: list[Served] = field(default_factory=list)
    stopped: bool = False
    known: dict[tuple[str, int], int] = field(default_factory=dict)
    """By model and picture: the checksum of the right answer."""

    async def run(self) -> None:
        async with client_of(self.url) as client:
            await asyncio.gather(*(self._call(client, number) for number in range(self.count)))

    async def _call(self, client: Any, number: int) -> None:
        turn = number
        while not self.stopped:
            model, picture = MODELS[turn % len(MODELS)], turn // len(MODELS) % PICTURES
            turn += 1
            self.answers.append(await self._one(client, model, picture))

    async def _one(self, client: Any, model: str, picture: int) -> Served:
        data = np.frombuffer(photo(256, 256, picture), np.uint8)[None]
        tensor = sync_grpc.InferInput("image", list(data.shape), "UINT8")
        tensor.set_data_from_numpy(data)
        options = {"strength": 15} if model == "denoise" else None
        begun = time.monotonic()
        try:
            result = await client.infer(model, [tensor], parameters=options, client_timeout=60)
        except InferenceServerException as error:
            return Served(model, begun, time.monotonic() - begun, error=str(error))
        seconds = time.monotonic() - begun
        checksum = zlib.crc32(result.as_numpy("image"))
        right = self.known.setdefault((model, picture), checksum) == checksum
        return Served(model, begun, seconds, int(result.get_response().model_version), right=right)


@dataclass
class Switch:
    """One change of what is served."""

    kind: str
    model: str
    started_s: float
    seconds: float
    version: int
    """The one that serves afterwards."""


@dataclass
class Phase:
    """A stretch of time, with the machine's processor share in it."""

    started_s: float = field(default_factory=time.monotonic)
    ended_s: float = 0.0
    busy: float = 0.0
    """Share of all cores, 0..1, load generator included."""

    def __enter__(self) -> "Phase":
        psutil.cpu_percent(None)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended_s, self.busy = time.monotonic(), psutil.cpu_percent(None) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--rollbacks", type=int, default=10)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--calm", type=float, default=60.0, help="seconds of load before the first update")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between two changes")
    arguments = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    # beside the model repository, so that hard links are possible
    with tempfile.TemporaryDirectory(prefix="updates-", dir=OUT) as folder:
        repository = copy_repository(Path(folder) / "repository", MODELS)
        environment = {"DARKROOM_SIMULATE": SIMULATE}
        log = OUT / "server.log"
        with Server(repository, config_name="simulated", env=environment, log_path=log) as server:
            asyncio.run(_measure(server, repository, arguments))


async def _measure(server: Server, repository: Path, arguments: argparse.Namespace) -> None:
    callers = Callers(server.grpc_url, arguments.callers)
    load = asyncio.create_task(callers.run())
    await asyncio.sleep(5.0)  # warm
    with Phase() as calm:
        await asyncio.sleep(arguments.calm)
    before = tree_rss(server.pid)
    switches = []
    with Phase() as updating:
        async with AsyncDarkroom(server.grpc_url, admin_key=server.admin_key) as darkroom:
            for kind, model in _plan(arguments.updates, arguments.rollbacks):
                switches.append(await _switch(darkroom, repository / model, kind))
                await asyncio.sleep(arguments.pause)
    await asyncio.sleep(UNLOAD_S)
    after = tree_rss(server.pid)
    callers.stopped = True
    await load
    _report(callers.answers, switches, calm, updating, before, after)


def _plan(updates: int, rollbacks: int) -> list[tuple[str, str]]:
    """What to do with which model: both in turn, the rollbacks spread evenly, never before a model's first update."""
    plan = [("update", MODELS[number % len(MODELS)]) for number in range(updates)]
    for number in range(rollbacks):
        place = max(len(MODELS), (number + 1) * updates // (rollbacks + 1)) + number
        plan.insert(place, ("rollback", MODELS[number % len(MODELS)]))
    return plan


async def _switch(darkroom: AsyncDarkroom, model: Path, kind: str) -> Switch:
    if kind == "update":
        await asyncio.to_thread(publish_copy, model)
    begun = time.monotonic()
    change = await (darkroom.models.load(model.name) if kind == "update" else darkroom.models.rollback(model.name))
    switch = Switch(kind, model.name, begun, time.monotonic() - begun, change.after.served[-1])
    for version in change.after.published[:-KEPT_VERSIONS]:
        await asyncio.to_thread(shutil.rmtree, model / str(version))
    return switch


def _report(
    answers: list[Served], switches: list[Switch], calm: Phase, updating: Phase, before: float, after: float
) -> None:
    quiet = [a.seconds for a in answers if calm.started_s <= a.started_s < calm.ended_s]
    busy = [a for a in answers if updating.started_s <= a.started_s < updating.ended_s]
    beside = [a.seconds for a in busy if any(_overlap(a, switch) for switch in switches)]
    p99 = [percentile(seconds, 99) for seconds in (quiet, [a.seconds for a in busy], beside)]
    wrong = [a for a in answers if not a.error and not (a.right and a.version in _allowed(a, switches))]
    failed = [a for a in answers if a.error]
    loads = {kind: [s.seconds for s in switches if s.kind == kind] for kind in ("update", "rollback")}
    rows: list[tuple[str, object, str]] = [
        ("updates", len(loads["update"]), ""),
        ("rollbacks", len(loads["rollback"]), ""),
        ("answers", len(answers), ""),
        ("failed answers", len(failed), "0"),
        ("wrong answers", len(wrong), "0"),
        ("load until the new version serves, p50 (s)", percentile(loads["update"], 50), ""),
        ("load, longest (s)", max(loads["update"], default=0.0), ""),
        ("rollback, p50 (s)", percentile(loads["rollback"], 50), ""),
        ("answer without updates, p50 (s)", percentile(quiet, 50), ""),
        ("answer without updates, p99 (s)", p99[0], ""),
        ("answer while updating, p50 (s)", percentile([a.seconds for a in busy], 50), ""),
        ("answer while updating, p99 (s)", p99[1], ""),
        ("answer beside a load, p99 (s)", p99[2], ""),
        ("p99 while updating over p99 without", p99[1] / p99[0], "<= 2"),
        ("answers a second without updates", len(quiet) / (calm.ended_s - calm.started_s), ""),
        ("answers a second while updating", len(busy) / (updating.ended_s - updating.started_s), ""),
        ("processor in use without updates (%)", 100 * calm.busy, ""),
        ("processor in use while updating (%)", 100 * updating.busy, ""),
        ("memory of the server before (MiB)", before / 2**20, ""),
        ("memory of the server after (MiB)", after / 2**20, "flat"),
    ]
    errors = sorted({a.error for a in failed})
    report("updates", [dict(zip(("what", "value", "wanted"), row, strict=True)) for row in rows], errors=errors)


def _overlap(answer: Served, switch: Switch) -> bool:
    ended = answer.started_s + answer.seconds
    return answer.started_s < switch.started_s + switch.seconds and switch.started_s < ended


def _allowed(answer: Served, switches: list[Switch]) -> set[int]:
    """The versions that served while the answer was in work: each from the start of the change that brought it to
    the end of the one that replaced it."""
    own = [switch for switch in switches if switch.model == answer.model]
    versions = [1, *(switch.version for switch in own)]
    begins = [float("-inf"), *(switch.started_s for switch in own)]
    ends = [*(switch.started_s + switch.seconds for switch in own), float("inf")]
    ended = answer.started_s + answer.seconds
    return {
        version
        for version, begin, end in zip(versions, begins, ends, strict=True)
        if answer.started_s < end and begin < ended
    }


if __name__ == "__main__":
    main()
