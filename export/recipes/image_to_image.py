"""Image to image: Stable Diffusion from a diffusers folder, or a small random one for tests and the demo."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.config import NETWORKS_FILE
from export.fetch import fetch
from export.ports import NUMBERS, PIXELS, Ports
from export.publish import versions
from export.recipe import Facts, Make, Network, Plan, Recipe
from export.run import FIRST_VERSION
from export.sources import SOURCES, Weights

if TYPE_CHECKING:
    from export.diffusion.components import Components
    from export.reference import Reference

TINY = "tiny-random"
RANDOM = "random, for testing"
"""The label of random weights; every report repeats it."""
DEFAULT_SIZES = {True: (256, 128), False: (512, 768)}
"""By "is it the tiny one": side of the square bucket in pixels, default first."""
REVISION = 1
"""Raise it when a graph or a file beside it changes: versions made before are then made again."""

Lazily = Callable[[], "Components"]

_PARTS = {
    "text_encoder": ("text_encoder", "tokenizer"),
    "vae_encoder": ("vae", "unet", "text_encoder", "tokenizer", "scheduler"),
    "unet": ("unet", "scheduler"),
    "vae_decoder": ("vae",),
}
"""Network -> the folder's components that decide its files. `diffusion.json` comes with the VAE encoder."""

_LATENT = ("float32", 4)
_CONTEXT = ("float32", 3)
_PORTS = {
    "text_encoder": Ports({"tokens": ("int64", 2)}, {"context": _CONTEXT}),
    "vae_encoder": Ports({"image": PIXELS}, {"mean": _LATENT, "std": _LATENT}),
    "unet": Ports(
        {"latent": _LATENT, "timestep": NUMBERS, "context": _CONTEXT},
        {"prediction": _LATENT},
        optional={"guidance": ("float32", 2)},
    ),
    "vae_decoder": Ports({"latent": _LATENT}, {"image": PIXELS, "finite": ("uint8", 1)}),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        metavar="DIFFUSERS_FOLDER",
        help="folder that save_pretrained wrote (Stable Diffusion 1 or 2, safetensors), fine-tuned or with a fused "
        f"LoRA; or {TINY}, a small model with random weights for tests (default while there is no other version)",
    )
    parser.add_argument("--dtype", choices=("fp32", "fp16"), default="fp32", help="of the weights (default: fp32)")
    parser.add_argument(
        "--sizes",
        type=_parse_sizes,
        metavar="PIXELS,...",
        help="sides of the square buckets offered, default first (default: 512,768)",
    )


def plan(parsed: argparse.Namespace) -> Plan:
    if parsed.source is None and (other := _other_version(parsed.repository / "image_to_image")):
        return Plan((), reason=f"version {other} is there; --source names what to export for another")
    tiny = parsed.source in (None, TINY)
    sizes = parsed.sizes or DEFAULT_SIZES[tiny]
    weights, components = _tiny() if tiny else _folder(Path(parsed.source))
    networks = tuple(
        Network(
            name,
            weights[name],
            _make(name, components, parsed.dtype, sizes),
            settings={"dtype": parsed.dtype, "revision": REVISION}
            | ({"sizes": sizes} if name == "vae_encoder" else {}),
            ports=_PORTS[name],
        )
        for name in _PARTS
    )
    return Plan(networks, new_version=not tiny, check=lambda folder: _check(folder, components(), parsed.dtype))


def _parse_sizes(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError(f'sizes must be whole numbers with commas between, like 512,768; got "{text}"')
    return tuple(dict.fromkeys(map(int, text.split(","))))


def _other_version(task: Path) -> str | None:
    """The newest exported version that is not the tiny one, which is always version 1."""
    exported = [version.name for version in versions(task) if (version / NETWORKS_FILE).is_file()]
    return next((name for name in reversed(exported) if name != FIRST_VERSION), None)


def _tiny() -> tuple[Mapping[str, Weights], Lazily]:
    vocabulary = SOURCES["clip_vocabulary"]
    weights = Weights(
        name=RANDOM,
        architecture="Stable Diffusion 1 at a tenth of its width",
        licence=f"none needed: random numbers; vocabulary {vocabulary.licence}",
        origin=f"drawn from seed 0; vocabulary of {vocabulary.origin}",
        files=vocabulary.files,
    )

    @cache
    def components() -> "Components":
        from export.diffusion.tiny import TinyRandom

        return TinyRandom(next(iter(fetch(vocabulary).values())))

    return dict.fromkeys(_PARTS, weights), components


def _folder(path: Path) -> tuple[Mapping[str, Weights], Lazily]:
    from export.diffusion.source import CLASSES, open_folder

    folder = open_folder(path)
    weights = {
        network: Weights(
            name=folder.path.resolve().name,
            architecture=f"Stable Diffusion, {CLASSES[parts[0]]}",
            licence=folder.licence(),
            origin="a diffusers folder of the operator",
            files=folder.files(*parts),
        )
        for network, parts in _PARTS.items()
    }
    return weights, lambda: folder


def _make(network: str, components: Lazily, dtype: str, sizes: tuple[int, ...]) -> Make:
    def make(_: Mapping[str, bytes], folder: Path) -> Facts:
        from export.diffusion import build

        return build.build(network, components(), folder, dtype, sizes)

    return make


def _check(folder: Path, components: "Components", dtype: str) -> Mapping[str, Facts]:
    from export.diffusion.check import check

    return check(folder, components, dtype)


def _references() -> "Sequence[Reference]":
    from export import references

    return references.image_to_image()


RECIPE = Recipe(
    task="image_to_image",
    summary="repaint a picture under a prompt, with Stable Diffusion",
    plan=plan,
    arguments=arguments,
    references=_references,
    no_quality="what a prompt paints has no original to compare with",
)
