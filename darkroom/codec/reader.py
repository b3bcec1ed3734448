"""A picture read from its encoded file, from the top to the bottom, a band of rows at a time."""

from types import TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np

from darkroom.codec.decode import decode
from darkroom.codec.header import read_header
from darkroom.codec.image import Depth, Description, Header, Image, Samples
from darkroom.config import Limits


class Reader(Protocol):
    """One opened picture. Used by one thread at a time; a context manager that frees what it holds."""

    header: Header
    description: Description
    bits: Depth
    """Of the samples that `read` returns."""

    @property
    def report(self) -> dict[str, Any]:
        """What the job's report should say about the file ({"frame": 2, "frames": 7}, {"truncated": true, ...});
        complete once the last row has been read."""

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        """The next `rows` rows (fewer at the bottom, none after it), upright: RGB [n, width, 3] and, where the header
        says so, alpha [n, width], both uint8 or uint16 as `bits` says. Colours under fully transparent pixels are
        those of the nearest visible ones. Raises BadImageError where the pixels are truncated or damaged."""

    def close(self) -> None:
        """Free the decoder. May be called more than once, from any thread that does not read."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_reader(
    data: bytes,
    limits: Limits,
    *,
    bits: Depth | None = None,
    frame: int | None = None,
    truncated: Literal["refuse", "accept"] = "refuse",
) -> Reader:
    """Open the encoded file `data`. `bits`: depth of the samples wanted (None: the file's own, `Header.bits`).
    `frame`: which frame of an animation or page, from 0; None refuses files with several. `truncated="accept"`: a
    file that ends early is read as far as it goes, the rest is grey. Raises BadImageError as `read_header` does."""
    header = read_header(data, limits)
    return WholeReader(decode(data, limits), header, bits or header.bits)


class WholeReader:
    """Reads from a picture that lies decoded in memory."""

    def __init__(self, image: Image, header: Header, bits: Depth) -> None:
        self.header = header
        self.description = image.description
        self.bits: Depth = bits
        self.report: dict[str, Any] = {}
        self._pixels = as_depth(image.pixels, bits)
        self._alpha = None if image.alpha is None else as_depth(image.alpha, bits)
        self._top = 0

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        part = slice(self._top, self._top + rows)
        self._top += rows
        return self._pixels[part], None if self._alpha is None else self._alpha[part]

    def close(self) -> None:
        self._pixels, self._alpha = self._pixels[:0], None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_depth(samples: Samples, bits: Depth) -> Samples:
    """The same samples with 8 or 16 bits: times 257, or divided by it and rounded."""
    if samples.dtype == (np.uint8 if bits == 8 else np.uint16):
        return samples
    if bits == 16:
        return samples.astype(np.uint16) * np.uint16(257)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
