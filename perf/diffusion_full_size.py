"""Stable Diffusion 1.5 at its real size: does it export, and does onnxruntime compute what torch computes?

The weights are random, since none can be had here; shapes, graph and cost are the real ones. A folder is saved by
diffusers itself (4.3 GB), exported with the one command an operator would use, and one UNet step at 512x512 is run by
torch and by onnxruntime. Each stage is a process of its own, so that its peak memory is its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perf.harness import report

MODEL = "sd15-random"
LATENT = (1, 4, 64, 64)
ALLOWED = 1e-4
KEPT = ("1", "model.py", "pipeline.json")
"""Of version 1: what a new version is made from."""
REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", choices=("fp32", "fp16"), default="fp32")
    parser.add_argument("--folder", type=Path, help="where to work, 14 GB, kept for the next run (default: temporary)")
    parser.add_argument("--stage", choices=sorted(STAGES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        STAGES[arguments.stage](arguments.folder, arguments.dtype)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        rows = [_measure(stage, folder, arguments.dtype) for stage in STAGES]
        torch_step, onnx_step = (np.load(folder / f"{stage}.npy") for stage in ("torch", "onnxruntime"))
        error = float(np.abs(onnx_step - torch_step).max() / np.abs(torch_step).max())
        size = sum(path.stat().st_size for path in (folder / arguments.dtype).rglob("unet.onnx*"))
    report(
        "diffusion_full_size",
        rows,
        relative_error=error,
        allowed=ALLOWED if arguments.dtype == "fp32" else None,
        unet_bytes=size,
        dtype=arguments.dtype,
    )
    print(f"One UNet step, {arguments.dtype}: relative error {error:.2g}; the UNet's files have {size / 1e9:.2f} GB.")
    if arguments.dtype == "fp32" and not error < ALLOWED:
        sys.exit(f"The relative error must be under {ALLOWED:g}.")


def _measure(stage: str, folder: Path, dtype: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "perf.diffusion_full_size", "--stage", stage, "--folder", str(folder)]
    started = time.monotonic()
    process = subprocess.Popen([*command, "--dtype", dtype])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"The stage {stage} failed.")
    return {"stage": stage, "s": time.monotonic() - started, "peak GB": usage.ru_maxrss * 1024 / 1e9}


def _save(folder: Path, dtype: str) -> None:
    """What `pipeline.save_pretrained` writes for Stable Diffusion 1.5."""
    if (folder / MODEL / "model_index.json").is_file():
        return
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    from export.diffusion.tiny import TinyRandom
    from export.fetch import fetch
    from export.sources import SOURCES

    tiny = TinyRandom(next(iter(fetch(SOURCES["clip_vocabulary"]).values())))
    torch.manual_seed(0)
    StableDiffusionPipeline(
        # The defaults of both libraries' configurations are Stable Diffusion 1.5's UNet and CLIP's larger text encoder.
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=49_408,
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
                projection_dim=768,
                bos_token_id=49_406,
                eos_token_id=49_407,
            )
        ),
        unet=UNet2DConditionModel(
            sample_size=64,
            block_out_channels=(320, 640, 1280, 1280),
            layers_per_block=2,
            attention_head_dim=8,
            cross_attention_dim=768,
        ),
        vae=AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
            sample_size=512,
            scaling_factor=0.18215,
        ),
        tokenizer=tiny.tokenizer(),
        scheduler=DDIMScheduler.from_config(dict(tiny.scheduler_config())),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / MODEL)


def _export(folder: Path, dtype: str) -> None:
    import shutil

    from export.__main__ import main as export

    task = folder / dtype / "image_to_image"
    if not task.exists():
        shutil.copytree(
            REPOSITORY / "image_to_image", task, ignore=lambda _, names: {n for n in names if n not in KEPT}
        )
    status = export(
        ["image_to_image", "--source", str(folder / MODEL), "--dtype", dtype, "--repository", str(folder / dtype)]
    )
    if status:
        sys.exit(status)


def _unet_step() -> dict[str, NDArray[np.float32]]:
    draw = np.random.default_rng(0).standard_normal
    return {
        "latent": draw(LATENT, np.float32),
        "timestep": np.array([500], np.float32),
        "context": draw((1, 77, 768), np.float32),
    }


def _torch(folder: Path, dtype: str) -> None:
    import torch

    from export.diffusion.graphs import UNetGraph
    from export.diffusion.source import open_folder

    graph = UNetGraph(open_folder(folder / MODEL).unet())
    with torch.inference_mode():
        started = time.monotonic()
        prediction = graph(*map(torch.from_numpy, _unet_step().values()))
    print(f"torch: one UNet step in {time.monotonic() - started:.1f} s")
    np.save(folder / "torch.npy", prediction.numpy())


def _onnxruntime(folder: Path, dtype: str) -> None:
    from darkroom.network import OnnxRunner

    path = folder / dtype / "image_to_image" / "2" / "unet.onnx"
    runner = OnnxRunner(path, gpu=False, threads=os.cpu_count() or 1)
    started = time.monotonic()
    (prediction,) = runner.run(tuple(_unet_step().values()))
    print(f"onnxruntime: one UNet step in {time.monotonic() - started:.1f} s")
    np.save(folder / "onnxruntime.npy", prediction)


STAGES: dict[str, Callable[[Path, str], None]] = {
    "save": _save,
    "export": _export,
    "torch": _torch,
    "onnxruntime": _onnxruntime,
}

if __name__ == "__main__":
    main()
