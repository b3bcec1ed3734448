"""What one version is and does, and how far two of them are apart."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.config import NetworkRecord, load_networks
from darkroom.errors import DarkroomError
from darkroom.pipelines.task import Task
from demo.metrics import Quality
from export.errors import ExportError
from export.offline import Done, Offline
from export.reference import Reference, as_facts, by_group

RUNS = 3
"""Of each speed; the median is told."""


@dataclass(frozen=True)
class Network:
    """One network of a version."""

    bytes: int
    """On disk, with the files that belong to it."""
    parameters: int | None
    sha256: str
    unit_ms: float | None
    """One warm-up unit alone, as the task's warm_up makes it; None where that makes none for this network."""


@dataclass(frozen=True)
class Side:
    """One version, measured in this process."""

    number: int
    networks: Mapping[str, Network]
    answers: Sequence[Done]
    """One for each reference, in their order."""
    qualities: Sequence[Quality | None]
    """Against the originals."""

    @property
    def bytes(self) -> int:
        return sum(network.bytes for network in self.networks.values())

    @property
    def parameters(self) -> int:
        """Of the networks that state them."""
        return sum(network.parameters or 0 for network in self.networks.values())


def measure(folder: Path, number: int, task: Task[Any], references: Sequence[Reference]) -> Side:
    """Raises ExportError where the version cannot be loaded, or refuses a reference."""
    with Offline(folder, task, str(number)) as version:
        records = {name: record for name, record in load_networks(folder).items() if name in version.version.networks}
        unit_ms = _unit_ms(task, version)
        answers = []
        for reference in references:
            try:
                tries = [version.ask(reference) for _ in range(RUNS)]
            except DarkroomError as error:
                raise ExportError(f"Version {number} does not answer {reference.title}: {error}") from None
            answers.append(sorted(tries, key=lambda done: done.seconds)[RUNS // 2])
    networks = {name: _network(folder, record, unit_ms.get(name)) for name, record in records.items()}
    qualities = [
        quality(reference, done, reference.original) for reference, done in zip(references, answers, strict=True)
    ]
    return Side(number, networks, answers, qualities)


def quality(reference: Reference, done: Done, other: Any) -> Quality | None:
    """How near an answer comes to another picture; None where there is none, or it is of another size."""
    if other is None or reference.measure is None or done.pixels.shape != other.shape:
        return None
    return reference.measure(done.pixels, other)


def _unit_ms(task: Task[Any], version: Offline) -> dict[str, float]:
    found: dict[str, float] = {}
    for network, unit in task.warm_up(version.version):
        seconds = []
        for _ in range(RUNS):
            started = time.perf_counter()
            network.run([unit])
            seconds.append(time.perf_counter() - started)
        found.setdefault(network.name, 1000 * statistics.median(seconds))
    return found


def _network(folder: Path, record: NetworkRecord, unit_ms: float | None) -> Network:
    size = sum((folder / file).stat().st_size for file in (record.file, *record.files))
    return Network(size, (record.model_extra or {}).get("parameters"), record.sha256, unit_ms)


@dataclass(frozen=True)
class Comparison:
    """Two versions of a task."""

    task: str
    references: Sequence[Reference]
    sides: tuple[Side, Side]
    apart: Sequence[Quality | None]
    """The second version's answer against the first one's."""

    def groups(self) -> dict[str, tuple[Quality | None, Quality | None, Quality | None]]:
        """Group -> quality of the first, of the second, and of the one against the other."""
        tables = [by_group(self.references, found) for found in (*(s.qualities for s in self.sides), self.apart)]
        names = dict.fromkeys(reference.group for reference in self.references)
        return {name: (tables[0].get(name), tables[1].get(name), tables[2].get(name)) for name in names}

    def seconds(self, side: Side) -> dict[str, float]:
        """Group -> mean seconds from request to answer."""
        members: dict[str, list[float]] = {}
        for reference, done in zip(self.references, side.answers, strict=True):
            members.setdefault(reference.group, []).append(done.seconds)
        return {name: statistics.mean(values) for name, values in members.items()}

    def facts(self) -> dict[str, Any]:
        """For diff.json: bytes, numbers of parameters, milliseconds and seconds as the names say, dB."""
        return {
            "task": self.task,
            "versions": {str(side.number): self._side(side) for side in self.sides},
            "apart": {name: as_facts(apart) for name, (_, _, apart) in self.groups().items() if apart is not None},
        }

    def lines(self) -> list[str]:
        """For the terminal."""
        told = [
            f"version {side.number}: {side.bytes / 1e6:.1f} MB, {side.parameters / 1e6:.2f} million parameters"
            for side in self.sides
        ]
        first, second = map(self.seconds, self.sides)
        for name, (one, other, apart) in self.groups().items():
            told.append(
                f"{name}: {text(one)} -> {text(other)}, against each other {text(apart)}; "
                f"{first[name]:.2f} s -> {second[name]:.2f} s"
            )
        return told

    def _side(self, side: Side) -> dict[str, Any]:
        quality = by_group(self.references, side.qualities)
        return {
            "bytes": side.bytes,
            "parameters": side.parameters,
            "networks": {name: vars(network) for name, network in side.networks.items()},
            "answer_s": {name: round(seconds, 4) for name, seconds in self.seconds(side).items()},
            "quality": {name: as_facts(found) for name, found in quality.items()},
        }


def compare(task: str, references: Sequence[Reference], first: Side, second: Side) -> Comparison:
    """Hold the answers of two versions to the same references against each other."""
    apart = [
        quality(reference, after, before.pixels)
        for reference, before, after in zip(references, first.answers, second.answers, strict=True)
    ]
    return Comparison(task, references, (first, second), apart)


def text(found: Quality | None) -> str:
    """ "29.95 dB / 0.848", or a dash."""
    return f"{found.psnr:.2f} dB / {found.ssim:.3f}" if found else "–"
