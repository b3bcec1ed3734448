"""Latency curves by network, t(n) = base + unit * n for n units (of 128x128 pixels): on paper, or from a file."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from darkroom.config import NetworkRecord, load_networks
from darkroom.engine.simulated import Simulation
from perf.plan.card import Card
from perf.plan.graph import kernels, unit_shape

ON_PAPER = Path(__file__).with_name("a100.json")
REPOSITORY = Path("model_repository")
HALF = 2
"""Bytes of an fp16 number."""
TILED = {
    "span_x2": "super_resolution",
    "span_x4": "super_resolution",
    "realesrgan_x4plus": "super_resolution",
    "ffdnet_color": "denoise",
}
"""Networks over tiles, and the task whose version holds them."""
COUNTED = TILED | {
    "mtcnn_pnet": "face_enhance",
    "mtcnn_rnet": "face_enhance",
    "mtcnn_onet": "face_enhance",
}
"""Networks whose operations are counted."""
PUBLISHED = ("text_encoder", "vae_encoder", "unet", "vae_decoder")
"""Networks of Stable Diffusion 1.5: measured by others, since this repository holds none of its size."""


@dataclass(frozen=True)
class Curve:
    """One network on one device."""

    base_ms: float
    """Milliseconds a batch."""
    unit_ms: float
    """Milliseconds a unit."""
    gflop: float = 0.0
    """Of one unit."""
    parameters: int = 0
    source: str = ""

    def seconds(self, units: float) -> float:
        return (self.base_ms + self.unit_ms * units) / 1000


def on_paper(path: Path, card: Card, record: NetworkRecord) -> Curve:
    """The curve of an ONNX file by its operations and bytes: every kernel takes the longer of computing and moving
    (the roofline of Williams, Waterman and Patterson, 2009)."""
    shape = (1, *unit_shape(path))
    counted = kernels(path, shape)
    flops, bandwidth = (
        card.flops.value * card.utilisation.value,
        card.bandwidth.value * card.bandwidth_utilisation.value,
    )
    compute_s = sum(max(kernel.flops / flops, HALF * kernel.values / bandwidth) for kernel in counted)
    # one byte a value on the bus: pictures travel as uint8
    copy_s = math.prod(shape) * (1 + record.scale**2) / card.bus.value
    per_unit = record.simulated_unit / math.prod(shape)
    return Curve(
        base_ms=round(1000 * (card.host_s.value + card.kernel_s.value * len(counted)), 3),
        unit_ms=round(1000 * per_unit * (compute_s + copy_s), 4),
        gflop=round(per_unit * sum(kernel.flops for kernel in counted) / 1e9, 2),
        parameters=int((record.model_extra or {}).get("parameters", 0)),
        source=f"{len(counted)} kernels; {1000 * compute_s:.3f} ms computing, {1000 * copy_s:.3f} ms on the bus",
    )


def all_on_paper(card: Card, repository: Path) -> dict[str, Curve]:
    """Curves of every network."""
    curves = {}
    for name, task in COUNTED.items():
        version = repository / task / "1"
        record = load_networks(version)[name]
        curves[name] = on_paper(version / record.file, card, record)
    diffusion = Curve(round(1000 * card.diffusion_base_s.value, 3), round(1000 * card.diffusion_unit_s.value, 4))
    source = card.diffusion_unit_s.source
    return curves | {name: replace(diffusion, source=source) for name in PUBLISHED}


def sources(card: Card) -> dict[str, Any]:
    """The card's numbers with who says so, for the file."""
    return {key: value for key, value in asdict(card).items() if key != "name"}


def write(path: Path, device: str, curves: dict[str, Curve], **more: Any) -> None:
    """A file that `read` and DARKROOM_SIMULATE="@..." take."""
    content = {"device": device, "unit": "128x128 pixels; one latent", **more}
    content["networks"] = {name: asdict(curve) for name, curve in curves.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def read(path: Path) -> tuple[str, dict[str, Curve]]:
    """Device and curves of a file. Raises ValueError."""
    Simulation.from_curves(path)  # what the server will say of it, said before
    content = json.loads(path.read_text())
    return str(content.get("device", path.stem)), {name: Curve(**raw) for name, raw in content["networks"].items()}


def fit(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Base and unit seconds of the line through (units, seconds), each point counted relative to its own size. Neither
    is below zero, and a device that takes no time a unit is none (ValueError)."""
    units, seconds = (np.array(column, float) for column in zip(*points, strict=True))
    if len(points) > 1:
        slope, base = np.polyfit(units, seconds, 1, w=1 / seconds)
        if slope > 0 and base >= 0:
            return float(base), float(slope)
    per_unit = float(np.mean(seconds / units))
    if not per_unit > 0:
        raise ValueError(f"These are no times of batches: {list(points)}.")
    return 0.0, per_unit
