"""report.json: everything that was measured, for machines."""

from dataclasses import asdict
from typing import Any

from demo.metrics import Quality
from demo.run import Run, Section
from demo.samples import Outcome, average

REPORT_FILE = "report.json"


def report(run: Run, total_s: float) -> dict[str, Any]:
    """The content of report.json; dB, seconds and milliseconds as the names say."""
    return {
        "made": run.made.isoformat(),
        "passed": run.passed,
        "machine": run.machine,
        "versions": run.versions,
        "server": {"config": run.config_name, "ready_s": round(run.ready_s, 2)},
        "requests_s": round(run.requests_s, 2),
        "total_s": round(total_s, 2),
        "left_out": run.left_out,
        "tasks": {section.name: _section(section) for section in run.sections},
    }


def groups(section: Section) -> dict[str, tuple[int, Quality | None, Quality | None]]:
    """Group -> number of samples, mean quality of the baseline and of the result, where measured."""
    names = dict.fromkeys(outcome.sample.group for outcome in section.outcomes)
    members = {name: [o for o in section.outcomes if o.sample.group == name] for name in names}
    return {
        name: (len(of), _mean([o.baseline_quality for o in of]), _mean([o.quality for o in of]))
        for name, of in members.items()
    }


def _mean(qualities: list[Quality | None]) -> Quality | None:
    known = [quality for quality in qualities if quality is not None]
    return average(known) if known else None


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.demo.title,
        "model": section.demo.model,
        "weights": [asdict(weights) for weights in section.weights],
        "groups": {
            name: {"samples": count, "baseline": _quality(baseline), "result": _quality(result)}
            for name, (count, baseline, result) in groups(section).items()
        },
        "checks": [asdict(check) for check in section.checks],
        "samples": [_outcome(outcome) for outcome in section.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    sample = outcome.sample
    return {
        "name": sample.name,
        "group": sample.group,
        "photo": sample.photo.name,
        "recipe": sample.recipe,
        "options": dict(sample.options),
        "baseline": _quality(outcome.baseline_quality),
        "result": _quality(outcome.quality),
        "same_bytes": outcome.same_bytes if len(outcome.seconds) > 1 else None,
        "seconds": {protocol: round(seconds, 3) for protocol, seconds in outcome.seconds.items()},
        "report": dict(outcome.report),
    }


def _quality(quality: Quality | None) -> dict[str, float] | None:
    return {"psnr_db": round(quality.psnr, 3), "ssim": round(quality.ssim, 4)} if quality else None
