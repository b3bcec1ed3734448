"""What a caller may ask of `face_enhance`, and what a version of it is tuned to (`options` in its pipeline.json)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from darkroom.config import ConfigError
from darkroom.options import Options, Whole
from darkroom.version import ModelVersion


class FaceEnhanceOptions(Options):
    """Options of `face_enhance`."""

    scale: Whole = Field(1, description="1, 2 or 4", json_schema_extra={"enum": [1, 2, 4]})
    """Enlarge the picture too."""
    min_face: Whole = Field(40, ge=20, le=16_000, description="a whole number from 20 to 16000 (pixels)")
    """Smallest face to look for, longer side of its box. Half of it costs four times the detection."""
    max_faces: Whole = Field(100, ge=0, le=100, description="a whole number from 0 to 100")
    """The largest ones are taken."""
    threshold: float = Field(0.9, ge=0, le=1, description="a number from 0 to 1")
    """Score from which a find counts as a face."""
    fidelity: float = Field(0.0, ge=0, le=1, description="a number from 0 to 1")
    """Share of the original in the result: 1 gives the original back and only reports the faces."""
    background: Literal["keep", "restore"] = Field("restore", description='"keep" or "restore"')
    """What becomes of the picture around the faces. `restore` denoises a worn picture, so that a restored face does not
    look pasted in; a clean picture, and one in which no face is restored, stays as it is. `keep` changes no pixel
    outside of the faces at scale 1. By default a version may keep what is large (`FaceSettings.background_pixels`)."""
    network: str | None = Field(None, description="the name of a restorer of this model version")
    restorer_weight: float | None = Field(None, ge=0, le=1, description="a number from 0 to 1")
    """The restorer's own second input (CodeFormer's w), for those that have one."""


class Restorer(BaseModel):
    """How one restoration network is used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sides: tuple[PositiveInt, ...] = Field(min_length=1)
    """Sides of the aligned crop that the network may be given, pixels; each face gets the one nearest to its own
    size, so that little detail is lost and little invented."""
    weight: float | None = Field(None, ge=0, le=1)
    """Default of the network's second input; None where it has none."""


class FaceSettings(BaseModel):
    """`options` of the version's pipeline.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    restorer: str
    """The restorer taken when the caller names none."""
    restorers: dict[str, Restorer]
    tile_sides: tuple[int, ...] = (48, 96, 192)
    """Tiles the first detection network is given, pixels: even, at least 12."""
    proposal_threshold: float = 0.6
    """Score from which the first network's proposal goes on."""
    candidate_threshold: float = 0.7
    """Score from which the second network's candidate goes on."""
    background_pixels: PositiveInt = 100_000_000
    """Pictures with more pixels keep their surroundings unless the caller asks for background=restore: denoising a
    large photograph on a CPU takes longer than the default deadline, and few of them need it."""
    max_candidates: PositiveInt = 2000
    """Best proposals judged a picture: bounds the work that a page of noise can cause."""

    @model_validator(mode="after")
    def _agree(self) -> "FaceSettings":
        if self.restorer not in self.restorers:
            raise ValueError(f"restorer must be one of {', '.join(self.restorers)}, got {self.restorer}")
        if any(side < 12 or side % 2 for side in self.tile_sides) or not self.tile_sides:
            raise ValueError(f"tile_sides must be even and at least 12, got {self.tile_sides}")
        return self


def face_settings(version: ModelVersion) -> FaceSettings:
    """The version's settings. Raises ConfigError for the operator where they are wrong."""
    try:
        settings = FaceSettings.model_validate(version.config.options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["options", *map(str, first["loc"])])
        raise ConfigError(f"{version.path}/pipeline.json: {where}: {first['msg']}") from None
    missing = sorted(set(settings.restorers) - set(version.networks))
    if missing:
        raise ConfigError(f"{version.path}/pipeline.json: options.restorers names {missing[0]}, which is no network.")
    return settings
