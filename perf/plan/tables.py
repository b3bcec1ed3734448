"""The plan as tables: what to set, and the simulation that backs it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from perf.plan.jobs import Kind
from perf.plan.simulate import Result
from perf.plan.sizing import Plan, cost, simulated


def settings_rows(plan: Plan, kinds: Sequence[Kind], device: str, network: str) -> list[dict[str, Any]]:
    """What the plan says to set, and from what it follows."""
    each = cost(plan.machine, kinds)
    host = plan.machine.host
    bound = "device" if each.device_s > each.codec_s / host.codec_threads else "codec threads"
    return [
        _row("device", f"{network} on {device}", "--curves"),
        _row("mix", ", ".join(f"{kind.name}:{kind.share:g}" for kind in kinds), "--mix"),
        _row("mean picture on the device", f"{1000 * each.device_s:.3g} ms", "full batches"),
        _row("mean picture on a codec thread", f"{1000 * each.codec_s:.3g} ms", "decode, stitch, encode"),
        _row("a machine can do", f"{plan.capacity:.3g} pictures/s", f"bound by its {bound}"),
        _row("machines", plan.machines, "of one A100 each"),
        _row("instance_group count", plan.machine.instances, "config.pbtxt"),
        _row(
            "max_queue_size", plan.max_queue_size, "config.pbtxt: a machine's pictures in time, less the engine's line"
        ),
        _row("default_timeout_microseconds", round(1e6 * plan.slo_s), "config.pbtxt"),
        _row("default_deadline_s", plan.slo_s, "pipeline.json, limits"),
        _row("codec_threads", host.codec_threads, "pipeline.json, engine"),
        _row("pixel_bytes", plan.machine.engine.pixel_bytes, "pipeline.json, engine"),
    ]


def plan_rows(plan: Plan, kinds: Sequence[Kind], rate: float) -> list[dict[str, Any]]:
    """One machine in simulated time: as planned, with a neighbour down, flooded, and with two engine processes."""
    own = rate / plan.machines
    rows = [_result("as planned", own, plan.backing)]
    if plan.machines > 1:
        more = rate / (plan.machines - 1)
        rows.append(_result("one machine down", more, simulated(plan.machine, kinds, more, plan.slo_s)))
    flood = 2 * plan.capacity
    rows.append(_result("twice what it can do", flood, simulated(plan.machine, kinds, flood, plan.slo_s)))
    host = replace(plan.machine.host, codec_threads=max(1, plan.machine.host.codec_threads // 2))
    double = replace(plan.machine, instances=2, host=host)
    rows.append(_result("two instances, as planned", own, simulated(double, kinds, own, plan.slo_s)))
    rows.append(_result("two instances, flooded", flood, simulated(double, kinds, flood, plan.slo_s)))
    return rows


def _result(name: str, rate: float, result: Result) -> dict[str, Any]:
    return {
        "one machine": name,
        "offered/s": rate,
        "served/s": result.rate,
        "refused (%)": 100 * result.refused,
        "late (%)": 100 * result.late / max(1, result.offered),
        "p50 (s)": result.p50_s,
        "p99 (s)": result.p99_s,
        "device busy (%)": 100 * result.device_busy,
        "codecs busy (%)": 100 * result.codecs_busy,
        "units a batch": result.units_a_batch,
        "in house, most": result.most_in_house,
    }


def _row(what: str, value: object, where: str) -> dict[str, Any]:
    return {"what": what, "value": value, "from, or where": where}
