"""What `--source FOLDER` takes, and what it refuses."""

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from asking import ask, png

from darkroom.config import EngineConfig
from darkroom.engine import Engine
from darkroom.pipelines.image_to_image import TASK
from darkroom.service import Service
from darkroom.version import ModelVersion
from export import run
from export.diffusion.check import check
from export.diffusion.components import Components
from export.diffusion.source import Folder, open_folder
from export.diffusion.tiny import TinyRandom
from export.errors import ExportError
from export.parity import photo
from export.recipes.image_to_image import RECIPE


@pytest.fixture(scope="session")
def saved(tiny: TinyRandom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as diffusers itself saves it."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    folder = tmp_path_factory.mktemp("models") / "my-model"
    StableDiffusionPipeline(
        vae=tiny.vae(),
        text_encoder=tiny.text_encoder(),
        tokenizer=tiny.tokenizer(),
        unet=tiny.unet(),
        scheduler=DDIMScheduler.from_config(dict(tiny.scheduler_config())),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(saved, tmp_path / "my-model"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def parsed(repository: Path, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    RECIPE.arguments(parser)
    return parser.parse_args(arguments, argparse.Namespace(repository=repository, force=False))


def same_weights(found: torch.nn.Module, expected: torch.nn.Module) -> bool:
    pairs = zip(found.state_dict().values(), expected.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def test_a_folder_saved_by_diffusers_is_published_as_the_next_version(
    saved: Path, exported: Path, tmp_path: Path, repository: Path
) -> None:
    task = tmp_path / "image_to_image"
    shutil.copytree(repository / "image_to_image" / "1", task / "1", ignore=shutil.ignore_patterns("*.onnx"))
    (task / "1" / "networks.json").unlink(missing_ok=True)
    arguments = parsed(tmp_path, "--source", str(saved), "--dtype", "fp16", "--sizes", "64")
    version = run.export(RECIPE, arguments, lambda line: None)
    assert version.name == "2"
    assert (version / "model.py").is_file()
    records = json.loads((version / "networks.json").read_text())
    assert {record["weights"] for record in records.values()} == {"my-model"}
    assert records["unet"]["dtype"] == "fp16"
    assert records["unet"]["pipeline_parity"]["max_mean"] < 1
    assert (version / "unet.onnx").stat().st_size < 0.6 * (exported / "unet.onnx").stat().st_size
    assert run.export(RECIPE, arguments, lambda line: None) == version, "an unchanged folder was exported again"
    loaded = ModelVersion.load(version, "image_to_image", "2", gpu=False)
    engine = Engine(EngineConfig(max_batch=8))
    engine.start()
    result = ask(Service(TASK, loaded, engine), png(photo(1, 64, 64)[0]), steps=2)
    engine.stop(grace_s=0.0)
    assert result.report["weights"] == "my-model"
    assert result.pixels.std() > 10


def test_the_components_are_read_as_they_were_saved(saved: Path, tiny: TinyRandom) -> None:
    folder = open_folder(saved)
    for name in ("text_encoder", "vae", "unet"):
        assert same_weights(getattr(folder, name)(), getattr(tiny, name)())


def test_half_precision_copies_are_read_as_float32(folder: Path, tiny: TinyRandom) -> None:
    shutil.rmtree(folder / "unet")
    tiny.unet().half().save_pretrained(folder / "unet", variant="fp16")
    unet = open_folder(folder).unet()
    assert unet.dtype == torch.float32
    assert same_weights(unet, tiny.unet().half().float())


def test_a_tokenizer_of_older_libraries_gives_the_same_tokens(folder: Path, tiny: TinyRandom) -> None:
    tokenizer = json.loads((folder / "tokenizer" / "tokenizer.json").read_text())
    (folder / "tokenizer" / "tokenizer.json").unlink()
    merges = [" ".join(pair) for pair in tokenizer["model"]["merges"]]
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(tokenizer["model"]["vocab"]))
    (folder / "tokenizer" / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    prompt = "Naïve café, 8k (masterpiece)"
    assert open_folder(folder).tokenizer()(prompt).input_ids == tiny.tokenizer()(prompt).input_ids


def test_the_licence_is_what_the_model_card_says(folder: Path) -> None:
    assert open_folder(folder).licence() == "not stated in the folder"
    (folder / "README.md").write_text("---\nlicense: creativeml-openrail-m\n---\n# A model\n")
    assert open_folder(folder).licence() == "creativeml-openrail-m"


def _pickles(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")


def _no_weights(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_pickles, "my-model/unet holds only diffusion_pytorch_model.bin: pickles can run code"),
        (_no_weights, "my-model/vae holds no weights"),
        (lambda folder: (folder / "model_index.json").unlink(), "has no model_index.json"),
        (
            lambda folder: edit(folder / "model_index.json", _class_name="StableDiffusionXLPipeline"),
            "my-model holds a StableDiffusionXLPipeline; image_to_image takes StableDiffusionPipeline",
        ),
        (
            lambda folder: edit(folder / "model_index.json", text_encoder=["transformers", "T5EncoderModel"]),
            "The text_encoder of my-model is a T5EncoderModel; supported is CLIPTextModel",
        ),
        (lambda folder: edit(folder / "unet" / "config.json", in_channels=9), "the UNet takes 9 channels"),
        (
            lambda folder: edit(folder / "unet" / "config.json", addition_embed_type="text_time"),
            "addition_embed_type = text_time",
        ),
        (lambda folder: edit(folder / "text_encoder" / "config.json", use_attention_mask=True), "attention masks"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(
    folder: Path, spoil: Callable[[Path], Any], sentence: str
) -> None:
    spoil(folder)
    with pytest.raises(ExportError, match=sentence):
        open_folder(folder)


def test_a_single_file_is_told_how_to_become_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"")
    with pytest.raises(ExportError, match=r"model\.ckpt is a single file; save it as a folder"):
        open_folder(tmp_path / "model.ckpt")


def test_damaged_weights_are_named(folder: Path) -> None:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ExportError, match="vae of my-model cannot be read"):
        open_folder(folder).vae()


def test_sizes_must_fit_the_unet(saved: Path, tmp_path: Path) -> None:
    from export.diffusion.describe import describe

    with pytest.raises(ExportError, match="--sizes must be multiples of 32 up to 2048, got 100"):
        describe(open_folder(saved), (64, 100))


class _Velocity(Folder):
    """The same networks, said to predict velocity, as Stable Diffusion 2 does."""

    def scheduler_config(self) -> Any:
        return {**super().scheduler_config(), "prediction_type": "v_prediction", "timestep_spacing": "trailing"}


def test_velocity_prediction_paints_what_diffusers_paints(saved: Path, exported: Path, tmp_path: Path) -> None:
    components: Components = _Velocity(saved)
    staged = Path(shutil.copytree(exported, tmp_path / "staged"))
    (staged / "scheduler_config.json").write_text(json.dumps(components.scheduler_config()))
    assert check(staged, components, "fp32")["unet"]["pipeline_parity"]["max_levels"] <= 1


def test_a_unet_distilled_for_guidance_paints_what_diffusers_paints(
    vocabulary: bytes, exported: Path, tmp_path: Path
) -> None:
    from export.diffusion.build import build

    components = TinyRandom(vocabulary, time_cond_proj_dim=32)
    staged = Path(shutil.copytree(exported, tmp_path / "staged"))
    for network in ("unet", "vae_encoder"):
        build(network, components, staged, "fp32", (64,))
    assert check(staged, components, "fp32")["unet"]["pipeline_parity"]["max_levels"] <= 1
