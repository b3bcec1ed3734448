"""`--source tiny-random`: Stable Diffusion's own modules at a tenth of their width, with random weights.

It exercises everything that a real model does, in seconds on a CPU, and paints nothing but coloured noise. The random
weights are scaled so that noise predictions and pictures spread as a trained model's do: a grey picture would pass
any comparison.
"""

import gzip
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

_MERGES = 48_894  # of the file's 262,144: 49,408 tokens less 2 x 256 bytes and the two marks
_LENGTH = 77
_WIDTH = 32


class TinyRandom:
    """Random components of one seed; 3.3 million parameters, half of them token embeddings."""

    def __init__(self, vocabulary: bytes, seed: int = 0, **unet: Any) -> None:
        """`vocabulary`: CLIP's merges, gzipped text. `unet`: overrides of UNet2DConditionModel's configuration."""
        self._merges = _parse_merges(vocabulary)
        self._seed = seed
        self._unet_overrides = unet

    def tokenizer(self) -> "CLIPTokenizer":
        from transformers import CLIPTokenizer

        return CLIPTokenizer(vocab=_tokens(self._merges), merges=self._merges, model_max_length=_LENGTH)

    def text_encoder(self) -> "CLIPTextModel":
        return deepcopy(self._text_encoder)

    def vae(self) -> "AutoencoderKL":
        return deepcopy(self._vae)

    def unet(self) -> "UNet2DConditionModel":
        return deepcopy(self._unet)

    def scheduler_config(self) -> Mapping[str, Any]:
        """Stable Diffusion 1's own schedule."""
        return {
            "_class_name": "DDIMScheduler",
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "clip_sample": False,
            "set_alpha_to_one": False,
            "steps_offset": 1,
        }

    def config(self, component: str) -> Mapping[str, Any]:
        module = getattr(self, f"_{component}")
        found: Mapping[str, Any] = module.config.to_dict() if component == "text_encoder" else dict(module.config)
        return found

    @cached_property
    def _text_encoder(self) -> "CLIPTextModel":
        from transformers import CLIPTextConfig, CLIPTextModel

        config = CLIPTextConfig(
            vocab_size=49_408,
            hidden_size=_WIDTH,
            intermediate_size=2 * _WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=_LENGTH,
            projection_dim=_WIDTH,
            bos_token_id=49_406,
            eos_token_id=49_407,
        )
        return self._seeded(lambda: CLIPTextModel(config))

    @cached_property
    def _unet(self) -> "UNet2DConditionModel":
        from diffusers import UNet2DConditionModel

        configuration: dict[str, Any] = {
            "sample_size": 32,
            "block_out_channels": (32, 64, 64),
            "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            "layers_per_block": 1,
            "attention_head_dim": 4,
            "cross_attention_dim": _WIDTH,
            "norm_num_groups": 8,
        } | self._unet_overrides
        unet = self._seeded(lambda: UNet2DConditionModel(**configuration))
        noise, context = self._noise(4, 4, 16, 16), self._noise(4, _LENGTH, _WIDTH)
        guidance = configuration.get("time_cond_proj_dim")
        condition = None if guidance is None else self._noise(4, guidance)
        with torch.no_grad():
            timesteps = torch.tensor([1.0, 250.0, 500.0, 999.0])
            prediction = unet(noise, timesteps, context, timestep_cond=condition, return_dict=False)[0]
            unet.conv_out.weight /= prediction.std()
            unet.conv_out.bias /= prediction.std()
        return unet

    @cached_property
    def _vae(self) -> "AutoencoderKL":
        from diffusers import AutoencoderKL

        vae = self._seeded(
            lambda: AutoencoderKL(
                block_out_channels=(8, 16, 16, 32),
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                latent_channels=4,
                layers_per_block=1,
                norm_num_groups=8,
                sample_size=256,
                scaling_factor=1.0,
            )
        )
        with torch.no_grad():
            pixels = vae.decode(self._noise(4, 4, 16, 16), return_dict=False)[0]
            # A standard deviation of 0.5 in -1..1 is 64 grey levels, about a photograph's.
            vae.decoder.conv_out.weight *= 0.5 / pixels.std()
            vae.decoder.conv_out.bias *= 0.5 / pixels.std()
            # Log variances of -8: as in a trained VAE, the sample is the picture and hardly noise.
            vae.quant_conv.bias[vae.config.latent_channels :] -= 8
            means = vae.encode(pixels).latent_dist.mean
            vae.register_to_config(scaling_factor=float(1 / means.std()))
        return vae

    def _seeded(self, build: Callable[[], Any]) -> Any:
        # The caller's own random state stays as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return build().eval()

    def _noise(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(self._seed))


def _parse_merges(vocabulary: bytes) -> list[tuple[str, str]]:
    # The first line is a remark.
    lines = gzip.decompress(vocabulary).decode("utf-8").split("\n")[1 : 1 + _MERGES]
    pairs = [line.split() for line in lines]
    return [(left, right) for left, right in pairs]


def _tokens(merges: list[tuple[str, str]]) -> dict[str, int]:
    """CLIP's vocabulary in its order: bytes, bytes that end a word, merges, start and end mark."""
    # Bytes that print stand for themselves, in byte order; the others follow as the characters from 256 on.
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(code) for code in (*printing, *range(256, 512 - len(printing)))]
    words = [*letters, *(f"{letter}</w>" for letter in letters), *(left + right for left, right in merges)]
    return {token: index for index, token in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
