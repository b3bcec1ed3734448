"""The two ends of a job whose picture flows through in bands of rows: where rows come from, and where they go.

Pipelines see `Source` and `Target`; the service makes them of the codec's readers and writers, and measures them.
"""

import time
from collections.abc import Callable
from typing import Any

from darkroom.codec import Depth, Description, Header, Reader, Samples, Writer
from darkroom.errors import BadImageError
from darkroom.tiling import joined


class Source:
    """A picture read from the top as often as a pipeline wants. Opened by the first `read`, since that may decode.
    Everything but `close` belongs into the thread pool, one call at a time."""

    def __init__(self, header: Header, bits: Depth, open_reader: Callable[[], Reader]) -> None:
        """`bits`: of the samples that `read` returns."""
        self.header = header
        self.bits = bits
        self.report: dict[str, Any] = {}
        """What the job's report should say about the file, once it has been read."""
        self.seconds = 0.0
        """Thread seconds of decoding, all passes together."""
        self.pixels = 0
        """Decoded so far, all passes together."""
        self._open = open_reader
        self._reader: Reader | None = None
        self._description: Description | None = None

    @property
    def height(self) -> int:
        return self.header.height

    @property
    def width(self) -> int:
        return self.header.width

    @property
    def description(self) -> Description:
        """What the answer takes over; known as soon as a row has been read."""
        assert self._description is not None
        return self._description

    def read(self, rows: int) -> tuple[Samples, Samples | None]:
        """The next `rows` rows, fewer at the bottom: RGB [n, width, 3] and, where there is transparency, alpha
        [n, width]. Raises BadImageError, also where the file ends before the picture does."""
        started = time.perf_counter()
        try:
            if self._reader is None:
                self._reader = self._open()
                self._description = self._reader.description
            pixels, alpha = self._reader.read(rows)
        finally:
            self.seconds += time.perf_counter() - started
        if not len(pixels):
            raise BadImageError("The image is damaged: it has fewer rows than its header announces.")
        self.pixels += len(pixels) * self.width
        return pixels, alpha

    def read_whole(self) -> tuple[Samples, Samples | None]:
        """All rows, from the top."""
        parts = [self.read(self.height)]
        while (have := sum(len(pixels) for pixels, _ in parts)) < self.height:
            parts.append(self.read(self.height - have))
        pixels = joined([pixels for pixels, _ in parts])
        alphas = [alpha for _, alpha in parts if alpha is not None]
        return pixels, joined(alphas) if alphas else None

    def restart(self) -> None:
        """The next `read` begins at the top again."""
        self.close()

    def close(self) -> None:
        """Free the decoder. No `read` may be running."""
        if self._reader is not None:
            self.report = dict(self._reader.report)
            self._reader.close()
            self._reader = None


class Target:
    """A picture written from the top, and encoded as it comes."""

    def __init__(self, width: int, height: int, open_writer: Callable[[bool], Writer]) -> None:
        """`width`, `height`: of the finished picture, pixels. `open_writer(alpha)`: called with the first rows."""
        self.width = width
        self.height = height
        self.encoded = b""
        """The file, when the last row has been written."""
        self.seconds = 0.0
        """Thread seconds of encoding."""
        self._open = open_writer
        self._writer: Writer | None = None
        self.rows = 0
        """Written so far."""

    @property
    def finished(self) -> bool:
        return self.rows == self.height

    def write(self, pixels: Samples, alpha: Samples | None) -> None:
        """The next rows: RGB [n, width, 3], alpha [n, width] or None. In the thread pool, one call at a time."""
        started = time.perf_counter()
        try:
            if self._writer is None:
                self._writer = self._open(alpha is not None)
            self._writer.write(pixels, alpha)
            self.rows += len(pixels)
            if self.finished:
                self.encoded = self._writer.finish()
                self._writer = None
        finally:
            self.seconds += time.perf_counter() - started
