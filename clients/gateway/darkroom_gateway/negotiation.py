"""The Accept header: which format the picture should have, or JSON instead of a bare picture (RFC 9110, 12.5.1)."""

from dataclasses import dataclass

from darkroom_client.formats import OUTPUT_FORMATS, format_name

from darkroom_gateway.pictures import Format, comes_back_as
from darkroom_gateway.problems import Problem

_OFFERED = tuple(f"image/{name}" for name in OUTPUT_FORMATS)


@dataclass(frozen=True)
class Wanted:
    """`output_format`: png, jpeg, webp, avif or tiff; None where the caller does not mind."""

    output_format: str | None = None
    as_json: bool = False


def negotiate(accept: str, source: Format | None) -> Wanted:
    """`source`: the format that came in, which a caller who accepts it gets back. Raises Problem (406).

    JSON is chosen only where it is preferred to every picture: many HTTP libraries say `application/json, */*`
    without meaning it.
    """
    ranges = _parse(accept)
    if not ranges:
        return Wanted()
    json_q = _quality("application/json", ranges, wildcards=False)
    picture_q = {offered: _quality(offered, ranges) for offered in _OFFERED}
    best = max(picture_q.values())
    if json_q > best:
        return Wanted(as_json=True)
    if best == 0:
        raise Problem(
            406,
            "not_acceptable",
            f"The answer can be {', '.join(_OFFERED)} or application/json; Accept allows none: {accept[:200]!r}.",
        )
    if picture_q[f"image/{comes_back_as(source)}"] == best:
        return Wanted()
    listed = [name for name, _ in ranges if picture_q.get(name) == best]
    return Wanted((listed or [name for name in _OFFERED if picture_q[name] == best])[0].removeprefix("image/"))


def _parse(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if not name:
            continue
        if name.startswith("image/"):
            name = f"image/{format_name(name)}"
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = _number(value)
        ranges.append((name, quality))
    return ranges


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _quality(name: str, ranges: list[tuple[str, float]], *, wildcards: bool = True) -> float:
    """The most specific range decides."""
    group = name.partition("/")[0] + "/*"
    for candidate in (name, group, "*/*") if wildcards else (name,):
        for listed, quality in ranges:
            if listed == candidate:
                return quality
    return 0.0
