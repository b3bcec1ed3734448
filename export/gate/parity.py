"""Did the export find what onnxruntime and torch compute alike?"""

import math
from typing import Any

from darkroom.config import load_networks
from export.errors import ExportError
from export.gate.finding import Finding
from export.release import Candidate


def check(candidate: Candidate) -> Finding:
    """Raises ExportError where a network of the recipe has no parity in its record and does not say why, or where a
    recorded difference is more than what was allowed, or no number."""
    excused, facts = [], {}
    for name, record in load_networks(candidate.folder).items():
        parity = (record.model_extra or {}).get("parity")
        network = candidate.networks.get(name)
        if parity:
            facts[name] = _worst(name, parity)
        elif network is not None and network.no_parity:
            excused.append(f"{name}: {network.no_parity}")
        elif network is not None or candidate.previous is None:
            raise ExportError(f"The record of {name} states no parity with torch.")
        else:
            excused.append(f"{name}: as in an earlier version")
    line = f"{len(facts)} network{'' if len(facts) == 1 else 's'} alike in onnxruntime and torch"
    return Finding("; ".join([line, *excused]), {"largest_difference": facts, "not_compared": excused})


def _worst(name: str, parity: dict[str, Any]) -> float:
    # Either one figure with its bound, or one for each output, which the export held against a bound itself.
    if "max_abs" in parity:
        worst, allowed = float(parity["max_abs"]), float(parity.get("allowed_max_abs", math.inf))
    else:
        worst, allowed = max(map(float, parity.values())), math.inf
    if not worst <= allowed or not math.isfinite(worst):
        raise ExportError(f"{name} differs between onnxruntime and torch by {worst:g}; allowed is {allowed:g}.")
    return worst
