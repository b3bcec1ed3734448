"""The options of each task as the gateway takes them: the wire contract's, typed, with words for people.

A field's `description` says what is allowed and is quoted in refusals. `help` and `choices` are for the
documentation and the page. None stands for "not given": the server's own default holds.
"""

from typing import Annotated, Any, Literal

from darkroom_client.formats import format_name
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_EXTRA = ("choices", "enum", "page", "step")


def _option(default: Any, allowed: str, help: str, **more: Any) -> Any:  # noqa: A002
    """A field. `choices`: values that forms offer, where others are allowed too. `page`: "first" for the options that
    the page shows at once, False for those it does not show."""
    extra: dict[str, Any] = {"help": help, **{name: more.pop(name) for name in _EXTRA if name in more}}
    return Field(default, description=allowed, json_schema_extra=extra, **more)


def _format(value: object) -> object:
    return format_name(value) if isinstance(value, str) else value


OutputFormat = Annotated[Literal["same", "png", "jpeg", "webp", "avif", "tiff"], BeforeValidator(_format)]


class Options(BaseModel):
    """What every task understands."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    output_format: OutputFormat = _option(
        "same",
        '"same", "png", "jpeg", "webp", "avif" or "tiff"',
        "File format of the result; same keeps the input's (BMP, GIF and JPEG XL become PNG, HEIC becomes JPEG)",
        page="first",
    )
    output_quality: int | None = _option(
        None, "a whole number from 1 to 100", "Quality of a JPEG, WebP or AVIF result", ge=1, le=100
    )
    metadata: Literal["keep", "no_location", "strip"] = _option(
        "keep",
        '"keep", "no_location" or "strip"',
        "EXIF, XMP and IPTC of the result; no_location drops where the picture was taken",
    )
    frame: int | None = _option(
        None,
        "a whole number from 0 to 9999",
        "Which frame of an animation, or page of a file with several; 0 is the first",
        ge=0,
        le=9999,
    )
    truncated: Literal["refuse", "accept"] = _option(
        "refuse", '"refuse" or "accept"', "Whether a file that ends early is processed as far as it goes"
    )
    quote: bool = _option(False, "true or false", "Answer with the price alone, do no work", page=False)
    lane: Literal["interactive", "bulk"] = _option(
        "interactive", '"interactive" or "bulk"', "Bulk work lets interactive work go first", page=False
    )
    deadline_s: float | None = _option(
        None,
        "a number of seconds above 0, at most 3600",
        "When the result is of no use any more",
        gt=0,
        le=3600,
        page=False,
    )
    model_version: int | None = _option(
        None,
        "the number of a version that is served",
        "Which version of the model, where several are served; the newest by itself",
        ge=1,
        le=2**31 - 1,
        page=False,
    )


class DepthOptions(Options):
    """Options of tasks that keep 16 bits."""

    output_depth: Literal["same"] | int = _option(
        "same",
        '"same", 8 or 16',
        "Bits of a sample; same keeps 16 bits where the result is PNG or TIFF",
        enum=["same", 8, 16],
    )


class SuperResolutionOptions(DepthOptions):
    scale: int = _option(4, "2 or 4", "Times as wide and as high", enum=[2, 4], page="first")
    network: str = _option(
        "span",
        "the name of a network of this model version",
        "span is fast; realesrgan_x4plus is slow, for damaged pictures (x4 only)",
        choices=["span", "realesrgan_x4plus"],
        page="first",
    )


class DenoiseOptions(DepthOptions):
    strength: Literal["auto"] | Annotated[float, Field(ge=0, le=75)] = _option(
        "auto",
        '"auto" or a number from 0 to 75 (standard deviation of the noise in grey levels)',
        "How much noise there is",
        choices=["auto", "5", "15", "25", "50"],
        page="first",
    )
    network: str = _option(
        "ffdnet_color", "the name of a network of this model version", "Which network", choices=["ffdnet_color"]
    )


class FaceEnhanceOptions(Options):
    scale: int = _option(1, "1, 2 or 4", "Enlarge the picture too", enum=[1, 2, 4], page="first")
    background: Literal["keep", "restore"] = _option(
        "restore", '"keep" or "restore"', "Whether noise around the faces is removed too"
    )
    fidelity: float = _option(
        0.0,
        "a number from 0 to 1",
        "Share of the original face: 1 leaves faces as they are",
        ge=0,
        le=1,
        step=0.1,
        page="first",
    )
    min_face: int = _option(
        40, "a whole number from 20 to 16000 (pixels)", "Smallest face to look for", ge=20, le=16_000
    )
    max_faces: int = _option(100, "a whole number from 0 to 100", "At most so many, the largest first", ge=0, le=100)
    threshold: float = _option(
        0.9, "a number from 0 to 1", "Score from which a find counts as a face", ge=0, le=1, step=0.05
    )
    network: str | None = _option(None, "the name of a restorer of this model version", "Which restorer", page=False)
    restorer_weight: float | None = _option(
        None, "a number from 0 to 1", "Second input of restorers that have one", ge=0, le=1, page=False
    )


class ImageToImageOptions(Options):
    prompt: str = _option("", "a text of at most 10000 characters", "What to paint", max_length=10_000, page="first")
    negative_prompt: str = _option("", "a text of at most 10000 characters", "What to avoid", max_length=10_000)
    strength: float = _option(
        0.8, "a number from 0 to 1", "How far from the picture the result may go", ge=0, le=1, step=0.05, page="first"
    )
    steps: int | None = _option(None, "a whole number from 1 to 150", "Steps of the whole schedule", ge=1, le=150)
    guidance_scale: float | None = _option(
        None, "a number from 0 to 30", "How closely to follow the prompt", ge=0, le=30, step=0.5
    )
    seed: int = _option(0, "a whole number from 0 to 2**63 - 1", "The same seed gives the same picture", ge=0, lt=2**63)
    scheduler: Literal["ddim", "euler", "dpmpp_2m", "lcm"] | None = _option(
        None, '"ddim", "euler", "dpmpp_2m" or "lcm"', "How the steps are taken"
    )
    size: int | None = _option(None, "one of the sizes of this model version", "Side of the result, pixels", ge=1)
    init: Literal["picture", "noise"] = _option(
        "picture", '"picture" or "noise"', "Start from the picture, or from noise (text to image)"
    )
    preview: int = _option(
        0, "a whole number from 0 to 150", "A small picture in the job's state every so many steps", ge=0, le=150
    )
