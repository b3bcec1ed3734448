"""The four graphs: diffusers' modules with the wire's types at the border.

Inputs and outputs are float32 (pictures uint8 RGB NHWC, tokens int64) whatever the weights are, so that the serving
side never meets float16 and an fp32 model can be exchanged for an fp16 one. Latents are in the UNet's scale, that is,
after the VAE's scaling factor: it is applied in here and nowhere else.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel


class TextEncoderGraph(nn.Module):
    """`tokens` int64 [n, 77] -> `context` float32 [n, 77, dim]: CLIP's last hidden state after its final norm.

    Stable Diffusion 2 was trained on the layer before the last; its folders carry a text encoder without the last one.
    """

    def __init__(self, encoder: "CLIPTextModel") -> None:
        super().__init__()
        # The exporter writes the other implementation's causal mask as float32, which does not go with float16.
        encoder.set_attn_implementation("eager")
        self.encoder = encoder

    def forward(self, tokens: Tensor) -> Tensor:
        context: Tensor = self.encoder(tokens, return_dict=False)[0]
        return context.float()


class VaeEncoderGraph(nn.Module):
    """`image` uint8 [n, h, w, 3] -> `mean`, `std` float32 [n, 4, h / 8, w / 8] of the latent's distribution.

    The sample is drawn outside, with the job's own noise.
    """

    def __init__(self, vae: "AutoencoderKL") -> None:
        super().__init__()
        self.vae = vae

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pixels = image.permute(0, 3, 1, 2).float() / 255 * 2 - 1
        latents = self.vae.encode(pixels.to(self.vae.dtype)).latent_dist
        factor = self.vae.config.scaling_factor
        return latents.mean.float() * factor, latents.std.float() * factor


class UNetGraph(nn.Module):
    """`latent` float32 [n, 4, h / 8, w / 8], `timestep` float32 [n] (0..1000, fractions allowed), `context` float32
    [n, 77, dim] -> `prediction` like `latent`: the noise or the velocity, as the scheduler's configuration says.

    Models distilled for guidance (LCM) take a fourth input, `guidance` float32 [n, 256], in place of a second unit.
    """

    def __init__(self, unet: "UNet2DConditionModel") -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latent: Tensor, timestep: Tensor, context: Tensor, guidance: Tensor | None = None) -> Tensor:
        dtype = self.unet.dtype
        prediction: Tensor = self.unet(
            latent.to(dtype),
            timestep,
            encoder_hidden_states=context.to(dtype),
            timestep_cond=None if guidance is None else guidance.to(dtype),
            return_dict=False,
        )[0]
        return prediction.float()


class VaeDecoderGraph(nn.Module):
    """`latent` float32 [n, 4, h / 8, w / 8] -> `image` uint8 [n, h, w, 3] and `finite` uint8 [n].

    The picture is clamped, then rounded half to even. `finite` is 0 where one of its values is infinite or not a
    number, which happens inside the decoder in fp16: as uint8 it would pass for black.
    """

    def __init__(self, vae: "AutoencoderKL") -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        unscaled = (latent / self.vae.config.scaling_factor).to(self.vae.dtype)
        pixels = self.vae.decode(unscaled, return_dict=False)[0].float()
        finite = torch.isfinite(pixels).flatten(1).all(1)
        levels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).round()
        return levels.permute(0, 2, 3, 1).to(torch.uint8), finite.to(torch.uint8)
