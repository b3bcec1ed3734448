"""Request parameters and `darkroom-<option>` headers to typed, validated options: one class a task.

Parameters are typed on the wire and taken as they are; headers are strings and coerced. A parameter wins over a
header. Every field's description says what is allowed, because callers read it in the error.
"""

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from darkroom.engine.fair import Lane
from darkroom.errors import BadOptionError, quoted

HEADER_PREFIX = "darkroom-"
NOT_OPTIONS = frozenset({"admin-key"})
"""Headers of our own that are forwarded to every model and mean something to `jobs` only."""

MAX_ID = 256
"""Characters of the id that a caller gives his request: it stands in reports and on the board."""

OutputFormat = Literal["same", "png", "jpeg", "webp", "avif", "tiff"]
FORMAT_ALIASES = {"jpg": "jpeg", "tif": "tiff"}
"""Other names of formats; each may also be given as a media type (`image/jpg`), in any case."""


def _whole(value: object) -> object:
    """JavaScript has one number type: 4.0 is 4."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


def _format(value: object) -> object:
    if not isinstance(value, str):
        return value
    name = value.strip().lower().removeprefix("image/")
    return FORMAT_ALIASES.get(name, name)


class Options(BaseModel):
    """What every task understands."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    output_format: Annotated[OutputFormat, BeforeValidator(_format)] = Field(
        "same", description='"same", "png", "jpeg", "webp", "avif" or "tiff"'
    )
    """`same` keeps the input's format; BMP, GIF and JPEG XL come back as PNG, HEIC as JPEG."""
    output_quality: Whole | None = Field(None, ge=1, le=100, description="a whole number from 1 to 100")
    """Of JPEG, WebP and AVIF; PNG and TIFF ignore it."""
    metadata: Literal["keep", "no_location", "strip"] = Field("keep", description='"keep", "no_location" or "strip"')
    """What becomes of EXIF, XMP and IPTC; `no_location` drops where the picture was taken. Density stays."""
    frame: Whole | None = Field(None, ge=0, le=9999, description="a whole number from 0 to 9999")
    """Which frame of an animation or page of a file with several; files with several are refused without it."""
    truncated: Literal["refuse", "accept"] = Field("refuse", description='"refuse" or "accept"')
    """`accept`: a file that ends early is processed as far as it goes."""
    quote: bool = Field(False, description="true or false")
    """Answer with the price alone, do no work."""
    lane: Lane = Field("interactive", description='"interactive" or "bulk"')
    deadline_s: float | None = Field(None, gt=0, le=3600, description="a number of seconds above 0, at most 3600")


class DepthOptions(Options):
    """Options of tasks that keep 16 bits."""

    output_depth: Literal["same"] | Whole = Field(
        "same", description='"same", 8 or 16', json_schema_extra={"enum": ["same", 8, 16]}
    )
    """Bits of a sample. `same` keeps the source's where the output format holds them: PNG and TIFF hold 16."""


class SuperResolutionOptions(DepthOptions):
    """Options of `super_resolution`."""

    scale: Whole = Field(4, description="2 or 4", json_schema_extra={"enum": [2, 4]})
    network: str = Field("span", description="the name of a network of this model version")


class DenoiseOptions(DepthOptions):
    """Options of `denoise`."""

    strength: Literal["auto"] | Annotated[float, Field(ge=0, le=75)] = Field(
        "auto", description='"auto" or a number from 0 to 75 (standard deviation of the noise in grey levels)'
    )
    network: str = Field("ffdnet_color", description="the name of a network of this model version")


OptionsT = TypeVar("OptionsT", bound=Options)


def parse(kind: type[OptionsT], parameters: Mapping[str, Any]) -> OptionsT:
    """Validate the parameters and headers of one request. Raises BadOptionError naming option, value and range."""
    typed, text = _split(parameters)
    for name in [*typed, *text]:
        if name not in kind.model_fields:
            raise BadOptionError(_unknown(name, kind))
    values = {name: _scalar(value) for name, value in text.items()} | typed
    try:
        return _validate(kind, values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if name in text and name not in typed and values[name] != text[name]:
            # a prompt of "42" is a string after all
            return parse(kind, {**parameters, name: text[name]})
        raise BadOptionError(_refusal(kind, name, values.get(name), first["msg"])) from None


def _validate(kind: type[OptionsT], values: dict[str, Any]) -> OptionsT:
    options = kind.model_validate(values)
    for name, field in kind.model_fields.items():
        extra = field.json_schema_extra
        allowed = extra.get("enum") if isinstance(extra, dict) else None
        if isinstance(allowed, list) and getattr(options, name) not in allowed:
            raise BadOptionError(_refusal(kind, name, getattr(options, name), ""))
    return options


def _split(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    typed: dict[str, Any] = {}
    text: dict[str, str] = {}
    for key, value in parameters.items():
        lower = key.lower()
        if lower.startswith(HEADER_PREFIX):
            name = lower[len(HEADER_PREFIX) :]
            if name not in NOT_OPTIONS:
                text[name.replace("-", "_")] = str(value)
        elif not lower.startswith("triton_"):  # reserved for the server's own
            typed[key] = value
    return typed, text


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except (ValueError, RecursionError):  # the latter from a header of thousands of brackets
        return text
    return value if isinstance(value, bool | int | float) else text


def _unknown(name: str, kind: type[Options]) -> str:
    known = sorted(kind.model_fields)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"Unknown option {quoted(name)}.{hint} Known options: {', '.join(known)}."


def _refusal(kind: type[Options], name: str, value: Any, fallback: str) -> str:
    field = kind.model_fields.get(name)
    allowed = field.description if field else fallback
    return f"{name} must be {allowed}, got {quoted(value)}."
