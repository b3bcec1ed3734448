"""What comes back: pictures, their receipts, and quotes."""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from darkroom_client.errors import ServerError
from darkroom_client.files import write_atomically
from darkroom_client.wire import Answer


@dataclass(frozen=True)
class Face:
    """One detected face, in pixels of the input picture as displayed."""

    box: tuple[float, ...]
    """left, top, right, bottom"""
    landmarks: tuple[tuple[float, ...], ...]
    """(x, y) of left eye, right eye, nose, left and right corner of the mouth, as seen in the picture"""
    score: float
    """The detector's confidence, 0..1."""


@dataclass(frozen=True)
class Report:
    """The receipt of a job. A field is None where it does not apply to the task; `raw` holds everything as sent."""

    task: str | None = None
    version: str | None = None
    network: str | None = None
    sha256: str | None = None
    """Of the exported network."""
    weights: str | None = None
    """Where the weights came from; "random, for testing" where that is so."""
    seed: int | None = None
    tiles: int | None = None
    units: int | None = None
    batches: int | None = None
    queue_ms: float | None = None
    decode_ms: float | None = None
    infer_ms: float | None = None
    encode_ms: float | None = None
    bits: int | None = None
    """Of the result's samples: 8 or 16."""
    guarded_pixels: int | None = None
    """Input pixels where the network's own result was replaced, because it diverged."""
    frame: int | None = None
    """Which frame or page was processed, of `frames`."""
    frames: int | None = None
    truncated: bool | None = None
    """True where the file ended early and was processed as far as it went."""
    background: str | None = None
    """What became of the picture around the faces: keep or restore."""
    faces: tuple[Face, ...] | None = None
    simulated: bool = False
    """True when a simulated device stood in for the real one, so that the pixels mean nothing."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Report":
        """From the report's JSON object. Unknown keys stay in `raw`, so that a newer server is no error."""
        faces = raw.get("faces")
        version = raw.get("version")
        plain = {name: raw.get(name) for name in _PLAIN}
        return cls(
            **plain,
            version=None if version is None else str(version),
            faces=None if faces is None else tuple(_face(face) for face in faces),
            simulated=bool(raw.get("simulated", False)),
            raw=dict(raw),
        )


_PLAIN = (
    "task",
    "network",
    "sha256",
    "weights",
    "seed",
    "tiles",
    "units",
    "batches",
    "queue_ms",
    "decode_ms",
    "infer_ms",
    "encode_ms",
    "bits",
    "guarded_pixels",
    "frame",
    "frames",
    "truncated",
    "background",
)


@dataclass(frozen=True)
class Result:
    """A finished picture."""

    bytes: bytes = field(repr=False)
    """The encoded file."""
    report: Report
    request_id: str
    """The job's id, as the server's log and metrics know it."""

    def pil(self) -> Image.Image:
        """The picture as a decoded PIL image."""
        image = Image.open(io.BytesIO(self.bytes))
        image.load()
        return image

    def numpy(self) -> npt.NDArray[np.uint8]:
        """The pixels, uint8: [h, w] for grey, [h, w, 3] for RGB, [h, w, 4] for RGBA.

        Samples of 16 bits are reduced to 8; read `bytes` with OpenCV or tifffile to keep them.
        """
        image = self.pil()
        if image.mode.startswith("I;16"):
            grey: npt.NDArray[np.uint8] = np.round(np.asarray(image) / 257).astype(np.uint8)
            return grey
        if image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        return np.asarray(image)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file as the server encoded it; it appears under its name only when complete.

        The file's ending is not looked at: choose the format with `output_format`.
        """
        return write_atomically(Path(path), self.bytes)


@dataclass(frozen=True)
class Quote:
    """What a job would cost, had it been sent now."""

    units: int
    """Tiles, faces or diffusion steps."""
    work_s: float
    """Seconds of device time."""
    done_in_s: float
    """Seconds until it would be done, the jobs before it included."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def result_of(answer: Answer) -> Result:
    """Raises ServerError where an output is missing or the report is not JSON."""
    return Result(_output(answer, "image"), Report.parse(_report(answer)), answer.request_id)


def quote_of(answer: Answer) -> Quote:
    """Raises ServerError where the report is not a quote."""
    raw = _report(answer)
    try:
        return Quote(int(raw["units"]), float(raw["work_s"]), float(raw["done_in_s"]), raw)
    except (KeyError, TypeError, ValueError):
        raise ServerError(f"The server's quote lacks units, work_s or done_in_s: {json.dumps(raw)}") from None


def _report(answer: Answer) -> dict[str, Any]:
    text = _output(answer, "report")
    try:
        raw = json.loads(text)
    except ValueError:
        raise ServerError(f"The server's report is not JSON: {text[:200]!r}") from None
    if not isinstance(raw, dict):
        raise ServerError(f"The server's report must be a JSON object, got {type(raw).__name__}.")
    return raw


def _output(answer: Answer, name: str) -> bytes:
    try:
        return answer.outputs[name]
    except KeyError:
        raise ServerError(f"The server's answer has no output {name!r}, only {sorted(answer.outputs)}.") from None


def _face(raw: Mapping[str, Any]) -> Face:
    landmarks = tuple(tuple(float(value) for value in point) for point in raw.get("landmarks", ()))
    return Face(tuple(float(value) for value in raw["box"]), landmarks, float(raw.get("score", 0.0)))
