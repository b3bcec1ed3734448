"""One run of the demo: which tasks can be shown, a server for them, all requests."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from darkroom_client import Darkroom

from darkroom.config import NETWORKS_FILE, load_networks
from darkroom.server import Server, ServerError
from darkroom.server.repository import check_exports, choose_models, find_repository, versions
from demo.exchange import exchange
from demo.machine import machine_facts, package_versions
from demo.samples import Check, Demo, Outcome, Protocol, equal

DEADLINE_S = 300.0
"""A machine that does other work besides should be slow, not fail."""

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Weights:
    """A network and where it came from."""

    network: str
    architecture: str
    weights: str
    licence: str


@dataclass(frozen=True)
class Section:
    """What one task file brought."""

    name: str
    demo: Demo
    weights: tuple[Weights, ...]
    outcomes: tuple[Outcome, ...]
    checks: tuple[Check, ...]


@dataclass
class Run:
    """All that the page and the report are made of."""

    config_name: str
    made: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    machine: dict[str, Any] = field(default_factory=machine_facts)
    versions: dict[str, str] = field(default_factory=package_versions)
    left_out: dict[str, str] = field(default_factory=dict)
    """Task file -> why it is not shown."""
    sections: list[Section] = field(default_factory=list)
    ready_s: float = 0.0
    """Until the server had started with all models loaded."""
    requests_s: float = 0.0
    """All requests, their preparation and measuring included."""

    @property
    def passed(self) -> bool:
        """Whether all checks hold."""
        return all(check.passed for section in self.sections for check in section.checks)


def run(demos: Mapping[str, Demo], repository: Path | None, config_name: str, echo: Echo) -> Run:
    """Start a server on free loopback ports, send all samples, stop it.

    Raises ServerError, DarkroomError and DemoError.
    """
    result = Run(config_name)
    folder = find_repository(repository)
    result.left_out = absent(demos, folder)
    for name, reason in result.left_out.items():
        echo(f"{name} is left out: {reason}")
    shown = {name: demo for name, demo in demos.items() if name not in result.left_out}
    if not shown:
        raise ServerError("There is no task to show. Run `make export` to export the networks.")
    start = time.perf_counter()
    models = _models(folder, {demo.model for demo in shown.values()})
    with Server(folder, models=models, config_name=config_name) as server:
        result.ready_s = time.perf_counter() - start
        echo(f"The server is ready after {result.ready_s:.1f} s, with {', '.join(server.models)}.")
        start = time.perf_counter()
        with (
            Darkroom(f"grpc://{server.grpc_url}", deadline_s=DEADLINE_S) as grpc,
            Darkroom(f"http://{server.http_url}", deadline_s=DEADLINE_S) as http,
        ):
            for name, demo in shown.items():
                outcomes: list[Outcome] = []
                for sample in demo.samples():
                    echo(f"{name}: {sample.title}")
                    first = all(sample.group != outcome.sample.group for outcome in outcomes)
                    clients: dict[Protocol, Darkroom] = {"grpc": grpc, "http": http} if first else {"grpc": grpc}
                    outcomes.append(exchange(demo.model, sample, clients))
                checks = (_over_both(outcomes), *demo.checks(outcomes))
                result.sections.append(Section(name, demo, _weights(folder / demo.model), tuple(outcomes), checks))
        result.requests_s = time.perf_counter() - start
    return result


def absent(demos: Mapping[str, Demo], repository: Path) -> dict[str, str]:
    """Task file -> sentence, for each whose model the repository lacks or whose networks are not exported."""
    there = choose_models(repository, None)
    reasons = {}
    for name, demo in demos.items():
        if demo.model not in there:
            reasons[name] = f"{repository.name} has no model {demo.model!r}."
            continue
        try:
            check_exports(repository, [demo.model])
        except ServerError as error:
            reasons[name] = " ".join(str(error).split("\n"))
    return reasons


def _models(repository: Path, needed: Collection[str]) -> list[str]:
    # `jobs` is what clients ask how a job is doing; it costs nothing
    return sorted({*needed, *({"jobs"} & set(choose_models(repository, None)))})


def _weights(model: Path) -> tuple[Weights, ...]:
    version = versions(model)[-1]
    if not (version / NETWORKS_FILE).is_file():
        return ()
    records = load_networks(version).items()
    return tuple(Weights(name, r.architecture, r.weights, r.licence) for name, r in records)


def _over_both(outcomes: list[Outcome]) -> Check:
    both = [outcome for outcome in outcomes if len(outcome.seconds) > 1]
    equal_bytes = sum(outcome.same_bytes for outcome in both)
    return equal("same bytes over gRPC and HTTP", f"{equal_bytes} of {len(both)}", f"{len(both)} of {len(both)}")
