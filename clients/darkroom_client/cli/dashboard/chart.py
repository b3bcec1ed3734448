"""Lines over time as SVG."""

import html
import math
import time
from collections.abc import Iterator, Sequence

from darkroom_client.cli.dashboard.prometheus import Line

WIDTH, HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 10, 24
# Okabe and Ito's palette, which colour-blind people can tell apart.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#999999", "#000000")
_TICKS = 4
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def svg(lines: Sequence[Line], unit: str, start: float, end: float) -> str:
    """A chart of `lines` from `start` to `end` (Unix seconds), its values from 0 up."""
    highest = max((value for line in lines for _, value in line.points), default=0.0)
    step = _step(highest)
    top = step * max(1, math.ceil(highest / step))

    def x(at: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (at - start) / (end - start)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for number in range(round(top / step) + 1):
        value = number * step
        parts.append(f'<path class="grid" d="M{_LEFT},{y(value):.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{label(value, unit)}</text>')
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = start + share * (end - start)
        clock = time.strftime("%H:%M:%S", time.localtime(at))
        parts.append(f'<text x="{x(at):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{clock}</text>')
    gap_s = 2.5 * _spacing(lines)
    for line, colour in zip(lines, _colours(), strict=False):
        for piece in _pieces(line, gap_s):
            path = "L".join(f"{x(at):.1f},{y(max(0.0, value)):.1f}" for at, value in piece)
            parts.append(f'<path class="line" stroke="{colour}" d="M{path}"/>')
    if not lines:
        parts.append(f'<text class="empty" x="{WIDTH / 2}" y="{HEIGHT / 2}" text-anchor="middle">no data</text>')
    return "\n".join([*parts, "</svg>"])


def legend(lines: Sequence[Line], unit: str) -> str:
    """Names and last values, in the colours of the lines."""
    entries = (
        f'<li><i style="background:{colour}"></i>{html.escape(line.name)} <b>{label(line.points[-1][1], unit)}</b></li>'
        for line, colour in zip(lines, _colours(), strict=False)
    )
    return f"<ul>{''.join(entries)}</ul>"


def label(value: float, unit: str) -> str:
    """A value for people: 250 ms, 1.5 s, 85 %, 12 MB, 3.4/s."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        return f"{1000 * value:.3g} ms" if 0 < value < 1 else f"{value:.3g} s"
    ending = {"ops": "/s", "bytes": "B"}.get(unit, "")
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}{ending}"
    return f"{value:.3g}{ending}"


def _step(highest: float) -> float:
    """A round distance between grid lines: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0
    rough = highest / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * round_one for round_one in (1, 2, 5, 10) if power * round_one >= rough)


def _spacing(lines: Sequence[Line]) -> float:
    """Seconds between two neighbouring values of Prometheus's."""
    gaps = [b[0] - a[0] for line in lines for a, b in zip(line.points, line.points[1:], strict=False)]
    return min(gaps, default=1.0)


def _pieces(line: Line, gap_s: float) -> Iterator[list[tuple[float, float]]]:
    """The line where it has values: nothing is drawn through times without any."""
    piece: list[tuple[float, float]] = []
    for point in line.points:
        if piece and point[0] - piece[-1][0] > gap_s:
            yield piece
            piece = []
        piece.append(point)
    yield piece


def _colours() -> Iterator[str]:
    while True:
        yield from _COLOURS
