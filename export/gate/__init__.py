"""The gate: what a version has to pass before it is published, in this order.

1. schema: pipeline.json, networks.json, config.pbtxt and its variants parse and agree;
2. ports: every network takes and gives what the pipeline expects;
3. parity: the export found ONNX and torch alike;
4. quality: on the reference photographs, not below the newest version by more than a margin;
5. canary: a real tritonserver of its own serves the version and answers a request.
"""

from collections.abc import Callable, Mapping
from typing import Any

from export.errors import ExportError
from export.gate import canary, parity, ports, quality, schema
from export.gate.finding import Finding
from export.release import Candidate, Say

STEPS: Mapping[str, Callable[[Candidate], Finding]] = {
    "schema": schema.check,
    "ports": ports.check,
    "parity": parity.check,
    "quality": quality.check,
    "canary": canary.check,
}


def check(
    candidate: Candidate, say: Say, steps: Mapping[str, Callable[[Candidate], Finding]] = STEPS
) -> dict[str, Any]:
    """Run every step, one line of output each; returns their facts by name. Raises ExportError at the first refusal."""
    found: dict[str, Any] = {}
    for name, step in steps.items():
        try:
            finding = step(candidate)
        except ExportError as error:
            raise ExportError(f"The gate refuses version {candidate.number} ({name}): {error}") from None
        say(f"gate, {name}: {finding.line}")
        found[name] = dict(finding.facts)
    return found
