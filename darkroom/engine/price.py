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


ENCODED_SHARE = {"png": 0.7, "tiff": 0.8, "jpeg": 0.25, "webp": 0.2, "avif": 0.15}
"""What the encoded file of a photograph takes of its pixels' bytes, at most, by format."""
WHOLE_BYTES = {"webp": 12, "avif": 42}
"""Bytes a pixel held by encoders that need the whole picture at once (docs/decisions/writing_pictures.md)."""


DECODED_BYTES = {"jpeg": 6, "webp": 6, "gif": 5, "jxl": 9, "heic": 9, "avif": 16}
"""Bytes a pixel that decoding holds at most where a file cannot be decoded row by row (docs/decisions/
reading_pictures.md)."""
OTHER_DECODED_BYTES = 4


def decoded_bytes(pixels_in: int, sample_bytes: int, input_format: str) -> int:
    """Bytes that a job in bands holds of a picture that is decoded whole."""
    return max(DECODED_BYTES.get(input_format, 0), OTHER_DECODED_BYTES * sample_bytes) * pixels_in


def answer_bytes(pixels_out: int, sample_bytes: int, output_format: str) -> int:
    """Bytes that the encoded answer of a job in bands grows to, besides the rows under way."""
    pixels = 3 * sample_bytes * pixels_out
    encoded = int(ENCODED_SHARE.get(output_format, 1.0) * pixels)
    return encoded + WHOLE_BYTES.get(output_format, 0) * pixels_out


@dataclass(frozen=True)
class Price:
    """What a job costs, known from its header and options alone."""

    work: tuple[Work, ...]
    pixel_bytes: int
    """Decoded and produced pixels the job holds at its peak, bytes."""
    codec_s: float = 0.0
    """Expected seconds of decoding, stitching and encoding on one thread."""
    bands: int = 1
    """Parts in which the picture is decoded, computed and encoded: the codecs' seconds of all parts but one pass while
    the device computes others."""

    def answered_s(self, device_s: float) -> float:
        """Seconds until the answer, when the device takes `device_s` for it."""
        serial_s = self.codec_s / self.bands
        return max(device_s, self.codec_s - serial_s) + serial_s

    @property
    def units(self) -> int:
        return sum(work.units for work in self.work)
