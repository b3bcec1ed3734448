"""The tasks as methods, written once for the blocking and the asynchronous client."""

from abc import ABC, abstractmethod
from typing import Any, Generic, Literal, TypeVar, Unpack

from darkroom_client.images import ImageInput
from darkroom_client.options import CallOptions

R = TypeVar("R")
"""What a task returns: Result, or an awaitable of it."""
Q = TypeVar("Q")
"""What a quote returns: Quote, or an awaitable of it."""


class Tasks(ABC, Generic[R, Q]):
    """Options that are None are not sent; the server's own defaults hold. All methods raise DarkroomError."""

    @abstractmethod
    def run(self, task: str, image: ImageInput, **options: Any) -> R:
        """Any task of the server by name, a user's own included; `options` are its options and `CallOptions`."""

    @abstractmethod
    def quote(self, task: str, image: ImageInput, **options: Any) -> Q:
        """What `run` with the same arguments would cost if it were sent now. No work is done for it."""

    def super_resolution(
        self,
        image: ImageInput,
        *,
        scale: Literal[2, 4] = 4,
        network: str | None = None,
        output_depth: Literal["same", 8, 16] | None = None,
        **call: Unpack[CallOptions],
    ) -> R:
        """The picture with `scale` times its width and height.

        `network`: "span" (fast, the server's default) or "realesrgan_x4plus" (slow, for damaged pictures; x4 only).
        `output_depth`: bits of a sample; by default the picture's own, where the result is PNG or TIFF.
        """
        return self.run("super_resolution", image, scale=scale, network=network, output_depth=output_depth, **call)

    def denoise(
        self,
        image: ImageInput,
        *,
        strength: float | Literal["auto"] = "auto",
        network: str | None = None,
        output_depth: Literal["same", 8, 16] | None = None,
        **call: Unpack[CallOptions],
    ) -> R:
        """The picture without its noise. `strength`: standard deviation of the noise in grey levels, 0..75, or
        "auto", estimated from the picture. `output_depth`: as of `super_resolution`."""
        return self.run("denoise", image, strength=strength, network=network, output_depth=output_depth, **call)

    def face_enhance(
        self,
        image: ImageInput,
        *,
        scale: Literal[1, 2, 4] | None = None,
        background: Literal["keep", "restore"] | None = None,
        fidelity: float | None = None,
        min_face: int | None = None,
        max_faces: int | None = None,
        threshold: float | None = None,
        network: str | None = None,
        **call: Unpack[CallOptions],
    ) -> R:
        """The picture with its faces restored; `report.faces` tells where they are.

        `background`: whether noise around the faces is removed too ("restore", the server's default).
        `fidelity`: 0 (all restored) .. 1 (all original). `min_face`: smallest face looked for, pixels.
        `threshold`: least confidence of the detector, 0..1. Zero faces is a normal answer.
        """
        return self.run(
            "face_enhance",
            image,
            scale=scale,
            background=background,
            fidelity=fidelity,
            min_face=min_face,
            max_faces=max_faces,
            threshold=threshold,
            network=network,
            **call,
        )

    def image_to_image(
        self,
        image: ImageInput,
        *,
        prompt: str,
        negative_prompt: str | None = None,
        strength: float | None = None,
        steps: int | None = None,
        guidance_scale: float | None = None,
        seed: int | None = None,
        scheduler: Literal["ddim", "euler", "dpmpp_2m", "lcm"] | None = None,
        size: int | None = None,
        init: Literal["picture", "noise"] | None = None,
        preview: int | None = None,
        **call: Unpack[CallOptions],
    ) -> R:
        """The picture changed under `prompt` by Stable Diffusion.

        `strength`: 0..1, how far the result may go from the picture. `steps`: 1..150 of the whole schedule.
        `guidance_scale`: 0..30, off up to 1. `seed`: the same seed gives the same picture. `size`: side in pixels, one
        of the model version's. `init="noise"` paints from the prompt alone. `preview`: a small picture in the job's
        state every so many steps.
        """
        return self.run(
            "image_to_image",
            image,
            prompt=prompt,
            negative_prompt=negative_prompt,
            strength=strength,
            steps=steps,
            guidance_scale=guidance_scale,
            seed=seed,
            scheduler=scheduler,
            size=size,
            init=init,
            preview=preview,
            **call,
        )
