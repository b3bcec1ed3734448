"""What one format module hands to the rest of the codec: headers and rows as stored, before they are turned upright."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from darkroom.codec.image import Depth, InputFormat, Metadata, Samples
from darkroom.errors import BadImageError

WHOLE_PIXELS = 4_000_000
"""Pictures up to this size may be decoded whole where that is faster: they take 12 MB."""
MAX_COMPOSED_PIXELS = 1_000_000_000
"""Pixels that may be decoded to compose one frame of an animation from those before it."""


@dataclass(frozen=True)
class Choice:
    """What the caller chose for files that hold several pictures, or less than one."""

    frame: int | None = None
    truncated: Literal["refuse", "accept"] = "refuse"


@dataclass(frozen=True)
class RawHeader:
    """Stated by the file before any pixel is decoded."""

    format: InputFormat
    width: int
    """Pixels as stored, before the EXIF orientation."""
    height: int
    """Pixels as stored, before the EXIF orientation."""
    grey: bool
    alpha: bool
    bits: Depth = 8
    """Of one decoded sample."""
    orientation: int = 1
    """EXIF orientation, 1..8, that is still to be applied."""
    frame: int = 0
    frames: int = 1
    """Frames or pages of the file; thumbnails do not count."""
    banded: bool = False
    """Its rows are decoded as they are read."""


class Rows(Protocol):
    """Decoded rows as stored, from the top."""

    def read(self, rows: int) -> Samples:
        """The next `rows` rows, fewer at the end: [n, width, channels], uint8 or uint16, with 1 channel (grey), 2 (grey
        and alpha), 3 (RGB) or 4 (RGB and alpha). Straight alpha."""

    def close(self) -> None: ...


@dataclass
class RawImage:
    """An opened picture."""

    rows: Rows
    icc: bytes | None = None
    """Whatever profile the file carries and still describes the rows; not yet checked."""
    metadata: Metadata = field(default_factory=Metadata)
    """As stored; not yet cleaned."""
    report: dict[str, Any] = field(default_factory=dict)
    grey: bool | None = None
    """Where the rows decide and not the header."""


class ArrayRows:
    """Rows of an array [height, width] or [height, width, channels]."""

    def __init__(self, samples: NDArray[Any]) -> None:
        self._samples = samples if samples.ndim == 3 else samples[..., None]
        self._top = 0

    def read(self, rows: int) -> Samples:
        part: Samples = self._samples[self._top : self._top + rows]
        self._top += len(part)
        return part

    def close(self) -> None:
        self._samples = self._samples[:0]


NO_ROWS = ArrayRows(np.empty((0, 0), np.uint8))


class MappedRows:
    """The rows of another source, each band changed by a function."""

    def __init__(self, rows: Rows, change: Callable[[Samples], Samples]) -> None:
        self._rows = rows
        self._change = change

    def read(self, rows: int) -> Samples:
        band = self._rows.read(rows)
        return self._change(band) if len(band) else band

    def close(self) -> None:
        self._rows.close()


def choose_frame(name: str, frames: int, choice: Choice, unit: str = "frames") -> int:
    """The frame to read. BadImageError if there are several and none is chosen, or if it does not exist."""
    if choice.frame is None:
        if frames > 1:
            raise BadImageError(
                f"The {name} image has {frames} {unit}; only one picture at a time is processed: "
                f"choose it with the option frame, 0 to {frames - 1}."
            )
        return 0
    if choice.frame >= frames:
        raise BadImageError(
            f"The {name} image has {frames} {unit if frames > 1 else unit.rstrip('s')}; "
            f"the option frame must be at most {frames - 1}, got {choice.frame}."
        )
    return choice.frame


def check_composing(name: str, frame: int, width: int, height: int) -> None:
    """BadImageError where too many pixels would have to be decoded to compose the frame."""
    most = MAX_COMPOSED_PIXELS // max(1, width * height)
    if frame > most:
        raise BadImageError(
            f"Frame {frame} of the {name} image ({width} x {height} pixels) needs too many frames before it; "
            f"the option frame may be at most {most}."
        )


def type_of(bits: Depth) -> type[np.uint8] | type[np.uint16]:
    """The dtype of samples of that depth."""
    return np.uint8 if bits == 8 else np.uint16


def full_of(shape: tuple[int, ...], bits: Depth) -> Samples:
    """Samples of the largest value."""
    return np.full(shape, 255, np.uint8) if bits == 8 else np.full(shape, 65535, np.uint16)


def most_of(samples: Samples) -> int:
    """The largest value of such a sample: 255 or 65535."""
    return 255 if samples.dtype == np.uint8 else 65535
