"""ICC profiles of version 2, built from primaries and a tone curve: nothing of anybody else's is stored."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Primaries = tuple[Point, Point, Point]

SRGB: Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
DISPLAY_P3: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB: Primaries = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
WIDE: Primaries = ((0.735, 0.265), (0.115, 0.826), (0.157, 0.018))
BT2020: Primaries = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
D65: Point = (0.3127, 0.3290)
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def primaries_of(code: int) -> Primaries:
    """Of a code point of ITU-T H.273: 1 is sRGB's, 9 BT.2020's, 12 Display P3's."""
    return {1: SRGB, 9: BT2020, 12: DISPLAY_P3}[code]


def matrix_profile(primaries: Primaries, gamma: float | None = None) -> bytes:
    """An RGB display profile with white D65. `gamma`: exponent of the tone curve; None is sRGB's own curve."""
    columns = _adapted(primaries)
    curve = _curve(gamma)
    tags = [(name, _xyz(columns[:, index])) for index, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", tags)


def grey_profile(gamma: float | None = None) -> bytes:
    """A grey display profile."""
    return _profile(b"GRAY", [(b"kTRC", _curve(gamma))])


def _adapted(primaries: Primaries) -> NDArray[np.float64]:
    """XYZ of the primaries under D50, scaled so that their sum is white: [3, 3], a column each."""

    def xyz(point: Point) -> NDArray[np.float64]:
        x, y = point
        return np.array([x / y, 1.0, (1 - x - y) / y])

    matrix = np.stack([xyz(point) for point in primaries], axis=1)
    matrix = matrix * np.linalg.solve(matrix, xyz(D65))
    cone = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ xyz(D65))
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ np.diag(cone) @ _BRADFORD @ matrix
    return adapted


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    x = np.linspace(0, 1, 1024)
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    table: bytes = np.rint(linear * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", 1024) + table


def _xyz(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _profile(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    name = b"made for a test\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    everything = [
        (b"desc", description + bytes(-len(description) % 4)),
        (b"cprt", b"text\0\0\0\0none\0\0\0\0"),
        (b"wtpt", _xyz(_D50)),
        *tags,
    ]
    table, body = struct.pack(">I", len(everything)), b""
    start = 128 + 4 + 12 * len(everything)
    for signature, content in everything:
        table += signature + struct.pack(">II", start + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _xyz(_D50)[8:]
    return head.ljust(128, b"\0") + table + body
