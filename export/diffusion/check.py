"""The whole against diffusers: our pipeline on exported networks, diffusers' own on torch modules, from one seed."""

import queue
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray

from darkroom.codec import Image
from darkroom.config import EngineConfig, NetworkRecord, PipelineConfig
from darkroom.diffusion.facts import FACTS_FILE, SCHEDULER_FILE, SCHEDULERS, TOKENIZER_FILE, SchedulerName, load_facts
from darkroom.diffusion.options import ImageToImageOptions
from darkroom.engine import Engine, Job, Price, Request
from darkroom.network import Network, OnnxRunner
from darkroom.pipelines.image_to_image import TASK, run
from darkroom.version import ModelVersion
from export import parity
from export.diffusion.components import Components
from export.errors import ExportError

NETWORKS = ("text_encoder", "vae_encoder", "unet", "vae_decoder")
PROMPT, NEGATIVE_PROMPT, SEED = "a watercolour of an astronaut", "blurry", 7
ALLOWED = {"fp32": (2.0, 0.1), "fp16": (255.0, 4.0)}
"""Largest and mean difference in grey levels. Half precision may move an edge: there the mean decides."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """One comparison: what is asked of both pipelines."""

    scheduler: SchedulerName
    guidance_scale: float
    init: str = "picture"
    steps: int = 3
    strength: float = 0.7


CASES = (
    *(Case(scheduler, scale) for scheduler in SCHEDULERS for scale in (1.0, 7.5)),
    Case("euler", 7.5, init="noise"),
)


def check(folder: Path, components: Components, dtype: str) -> dict[str, dict[str, Any]]:
    """Compare every scheduler with and without guidance on a photograph, and text to image once.

    `folder`: the staged files. Runs at twice the model's smallest picture, where a full-size model takes seconds a
    step on a CPU. Returns facts for the UNet's record. Raises ExportError where the pictures differ by more than
    `ALLOWED`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        version = _small_version(folder, Path(scratch))
        side = load_facts(version.path).sizes[0]
        photo = parity.photo(1, side, side)[0]
        ours = _ours(version, photo)
    theirs = _diffusers(components, photo)
    worst, worst_mean = 0.0, 0.0
    for case in CASES:
        difference = np.abs(ours[case].astype(np.float64) - theirs[case])
        worst, worst_mean = max(worst, float(difference.max())), max(worst_mean, float(difference.mean()))
        largest, mean = ALLOWED[dtype]
        if difference.max() > largest or difference.mean() > mean:
            raise ExportError(
                f"The exported pipeline differs from diffusers' by up to {difference.max():g} grey levels (mean "
                f"{difference.mean():.3g}) for {case}; allowed are {largest:g} (mean {mean:g})."
            )
    return {"unet": {"pipeline_parity": {"runs": len(CASES), "max_levels": worst, "max_mean": round(worst_mean, 5)}}}


def _small_version(folder: Path, scratch: Path) -> ModelVersion:
    """The staged networks as a version with one small size."""
    facts = load_facts(folder)
    small = facts.model_copy(update={"sizes": (2 * facts.multiple,)})
    (scratch / FACTS_FILE).write_text(small.model_dump_json())
    for name in (TOKENIZER_FILE, SCHEDULER_FILE):
        (scratch / name).write_bytes((folder / name).read_bytes())
    record = NetworkRecord(file="", sha256="", architecture="", weights="", licence="")
    networks = {
        name: Network(name, OnnxRunner(folder / f"{name}.onnx", gpu=False, threads=0), record) for name in NETWORKS
    }
    return ModelVersion(TASK.name, "0", scratch, PipelineConfig(networks={}), networks)


def _ours(version: ModelVersion, photo: Pixels) -> Mapping[Case, Pixels]:
    engine = Engine(EngineConfig(max_batch=8, max_batch_s=60.0))
    engine.start()
    try:
        return {case: _paint(engine, version, photo, case) for case in CASES}
    finally:
        engine.stop(0.0)


def _paint(engine: Engine, version: ModelVersion, photo: Pixels, case: Case) -> Pixels:
    options = ImageToImageOptions.model_validate(
        {"prompt": PROMPT, "negative_prompt": NEGATIVE_PROMPT, "seed": SEED, **vars(case)}
    )
    image = Image(pixels=photo, alpha=None, grey=False, icc=None, format="png")
    answers: queue.SimpleQueue[tuple[Image | None, Exception | None]] = queue.SimpleQueue()

    async def body(job: Job) -> Image:
        return await run(job, version, image, options)

    engine.submit(
        Request(
            id=str(case),
            price=Price((), pixel_bytes=0),
            body=body,
            answer=lambda result, error: answers.put((result, error)),
            deadline_s=3600.0,
        )
    )
    result, error = answers.get()
    if result is None:
        raise ExportError(f"The exported pipeline failed for {case}: {error}")
    return result.pixels


def _diffusers(components: Components, photo: Pixels) -> Mapping[Case, Pixels]:
    from diffusers import (
        DDIMScheduler,
        DPMSolverMultistepScheduler,
        EulerDiscreteScheduler,
        LCMScheduler,
        StableDiffusionImg2ImgPipeline,
        StableDiffusionPipeline,
    )

    schedulers = {
        "ddim": DDIMScheduler,
        "euler": EulerDiscreteScheduler,
        "dpmpp_2m": DPMSolverMultistepScheduler,
        "lcm": LCMScheduler,
    }

    config = dict(components.scheduler_config())
    parts = {
        "vae": components.vae(),
        "text_encoder": components.text_encoder(),
        "tokenizer": components.tokenizer(),
        "unet": components.unet(),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    pictures: dict[Case, Pixels] = {}
    for case in CASES:
        painting = case.init == "noise"
        kind = StableDiffusionPipeline if painting else StableDiffusionImg2ImgPipeline
        pipeline = kind(**parts, scheduler=schedulers[case.scheduler].from_config(config))
        pipeline.set_progress_bar_config(disable=True)
        side = photo.shape[0]
        extra = (
            {"height": side, "width": side}
            if painting
            else {"image": PIL.Image.fromarray(photo), "strength": case.strength}
        )
        picture = pipeline(
            prompt=PROMPT,
            negative_prompt=NEGATIVE_PROMPT,
            num_inference_steps=case.steps,
            guidance_scale=case.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(SEED),
            **extra,
        ).images[0]
        pictures[case] = np.asarray(picture)
    return pictures
