"""How many A100s does a load take, and what must be set? Answered by arithmetic, backed by a simulation.

The curves are on paper (perf/plan/a100.json, with their sources) until `python -m perf.calibrate` has measured a card:
name its file with --curves.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from darkroom.config import EngineConfig, PipelineConfig, load_networks, load_pipeline
from perf.harness import report
from perf.plan import curves
from perf.plan.card import A100
from perf.plan.growth import growth
from perf.plan.jobs import Host, Kind, parse_mix
from perf.plan.simulate import Machine
from perf.plan.sizing import plan
from perf.plan.tables import plan_rows, settings_rows
from perf.plan.validate import validate

MIX = "256x256:6,640x480:3,1600x1200:1"
CORES = 16
"""Of the machine that an A100 sits in (Xeon Silver 4310)."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.plan", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="pictures a second; default %(default)g")
    parser.add_argument("--slo", type=_seconds, default=3.0, help='answer within, like "3s" or "800ms"')
    parser.add_argument("--mix", default=MIX, help="sizes and shares; default %(default)s")
    parser.add_argument("--network", default="span_x4", help="one of a task of tiles; default %(default)s")
    parser.add_argument("--curves", type=Path, default=curves.ON_PAPER, help="default %(default)s")
    parser.add_argument("--cores", type=int, default=CORES, help="of each machine; default %(default)s")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--growth", action="store_true", help="what 1, 10 and 100 machines can do")
    what.add_argument("--validate", action="store_true", help="the simulation against a real server")
    what.add_argument("--on-paper", action="store_true", help="count the graphs anew and write the curves")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load of --validate")
    arguments = parser.parse_args()
    try:
        _answer(arguments)
    except ValueError as error:
        sys.exit(str(error))


def _answer(arguments: argparse.Namespace) -> None:
    if arguments.on_paper:
        counted = curves.all_on_paper(A100, curves.REPOSITORY)
        curves.write(curves.ON_PAPER, f"{A100.name}, on paper", counted, card=curves.sources(A100))
        report("plan_curves", [{"network": name, **_curve_row(curve)} for name, curve in counted.items()])
        return
    task = curves.TILED.get(arguments.network)
    if task is None:
        raise ValueError(f"--network must be one of {', '.join(curves.TILED)}, got {arguments.network}.")
    config = load_pipeline(curves.REPOSITORY / task / "1", cpu=False)
    tiling = config.networks[arguments.network].tiling
    assert tiling is not None, "a network of tiles"
    scale = load_networks(curves.REPOSITORY / task / "1")[arguments.network].scale
    if arguments.validate:
        rows = validate(tiling, scale, arguments.seconds)
        report("plan_validate", rows, cores=os.cpu_count())
        return
    kinds = parse_mix(arguments.mix, tiling, scale)
    device, known = curves.read(arguments.curves)
    if arguments.network not in known:
        raise ValueError(f"{arguments.curves} has no curve for {arguments.network}.")
    machine = Machine(known[arguments.network], _engine(config, arguments.network), _host(config))
    if arguments.growth:
        report("plan_growth", growth(machine, kinds, arguments.slo, arguments.cores), device=device)
        return
    _plan(arguments, machine, kinds, device)


def _plan(arguments: argparse.Namespace, machine: Machine, kinds: list[Kind], device: str) -> None:
    answer = plan(machine, kinds, arguments.rate, arguments.slo, arguments.cores)
    settings = settings_rows(answer, kinds, device, arguments.network)
    report("plan", settings)
    print()
    report("plan_backing", plan_rows(answer, kinds, arguments.rate))


def _engine(config: PipelineConfig, network: str) -> EngineConfig:
    own = config.networks[network].max_batch or config.engine.max_batch
    return config.engine.model_copy(update={"max_batch": min(own, config.engine.max_batch)})


def _host(config: PipelineConfig) -> Host:
    return Host(codec_threads=config.engine.codec_threads)


def _curve_row(curve: curves.Curve) -> dict[str, Any]:
    return {
        "parameters": curve.parameters or "",
        "GFLOP a unit": curve.gflop or "",
        "base (ms)": curve.base_ms,
        "unit (ms)": curve.unit_ms,
        "batch of 8 (ms)": 1000 * curve.seconds(8),
        "batch of 32 (ms)": 1000 * curve.seconds(32),
    }


def _seconds(text: str) -> float:
    """`3s`, `800ms` or `3`. Raises ArgumentTypeError."""
    number, factor = text.strip(), 1.0
    if number.endswith("ms"):
        number, factor = number[:-2], 0.001
    elif number.endswith("s"):
        number = number[:-1]
    try:
        seconds = float(number) * factor
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f'seconds like "3s" or "800ms", at most 3600; got "{text}"')
    return seconds


if __name__ == "__main__":
    main()
