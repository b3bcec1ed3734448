"""What a caller of `image_to_image` may ask for."""

from typing import Literal

from pydantic import Field

from darkroom.diffusion.facts import SchedulerName
from darkroom.options import Options, Whole


class ImageToImageOptions(Options):
    """Options of `image_to_image`. None stands for what suits the model version and the scheduler."""

    prompt: str = Field("", max_length=10_000, description="a text of at most 10000 characters")
    negative_prompt: str = Field("", max_length=10_000, description="a text of at most 10000 characters")
    """What to stay away from; used when guidance_scale is above 1."""
    strength: float = Field(0.8, ge=0, le=1, description="a number from 0 to 1")
    """Share of the steps that are run, so how far from the picture the result may go: 1 runs all of them and leaves a
    trace of the picture's colours, 0 runs none and passes the picture through the VAE. Above 0 at least one step is
    run. Unused with `init=noise`."""
    steps: Whole | None = Field(None, ge=1, le=150, description="a whole number from 1 to 150")
    """Of the whole schedule, of which `strength` runs a part. Default 30, with lcm 4 (and at most 50)."""
    guidance_scale: float | None = Field(None, ge=0, le=30, description="a number from 0 to 30")
    """Classifier-free guidance; up to 1 it is off and a step costs half. Default 7.5, with lcm 1."""
    seed: Whole = Field(0, ge=0, lt=2**63, description="a whole number from 0 to 2**63 - 1")
    """The same seed gives the same picture, alone or in company."""
    scheduler: SchedulerName | None = Field(None, description='"ddim", "euler", "dpmpp_2m" or "lcm"')
    """Default: the one nearest to the model's own."""
    size: Whole | None = Field(None, ge=1, description="one of the sizes of this model version")
    """The picture is resized, its aspect kept, to about size x size pixels; this is also the result's size."""
    init: Literal["picture", "noise"] = Field("picture", description='"picture" or "noise"')
    """`noise` paints from the prompt alone (text to image); of the picture only the aspect is used."""
    preview: Whole = Field(0, ge=0, le=150, description="a whole number from 0 to 150")
    """Show a small picture in the job's state every so many steps; 0: never."""
