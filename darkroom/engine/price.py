"""What a job costs, known before anything of it is decoded."""

from dataclasses import dataclass

from darkroom.network import Network


@dataclass(frozen=True)
class Work:
    """Part of a job's price: `units` calls of `network`, each with a first input of `shape` (no batch axis)."""

    network: Network
    shape: tuple[int, ...]
    units: int


def pixel_bytes(pixels_in: int, pixels_out: int) -> int:
    """Bytes of RGB that a job holds at its peak: decoding holds the picture twice for a moment, and the encoded answer
    is at most as large as its pixels."""
    return 3 * (2 * pixels_in + 2 * pixels_out)


@dataclass(frozen=True)
class Price:
    """What a job costs, known from its header and options alone."""

    work: tuple[Work, ...]
    pixel_bytes: int
    """Decoded and produced pixels the job holds at its peak, bytes."""
    codec_s: float = 0.0
    """Expected seconds of decoding, stitching and encoding on one thread."""

    @property
    def units(self) -> int:
        return sum(work.units for work in self.work)
