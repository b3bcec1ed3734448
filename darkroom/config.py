"""The two JSON files of a model version: `pipeline.json` (tunables, written by people) and `networks.json` (facts
about the exported networks, written by export/)."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

PIPELINE_FILE = "pipeline.json"
NETWORKS_FILE = "networks.json"
WIDE_SUFFIX = "_16bit"
"""Ends the name of a network that does with 16 bits what the network of the rest of the name does with 8."""


CpuPrecision = Literal["f32", "f16", "bf16"]
Provider = Literal["TensorrtExecutionProvider", "CUDAExecutionProvider"]


class ConfigError(Exception):
    """A file of the model version is missing or wrong; the message names the file, the key and what is allowed."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
    """What one request may ask for. Checked from the image's header, before anything is decoded."""

    max_bytes: PositiveInt = 256 * 2**20
    """Encoded input, bytes."""
    max_pixels: PositiveInt = 100_000_000
    """Input width x height."""
    max_output_pixels: PositiveInt = 200_000_000
    """Output width x height (x4 of 12 megapixels is 192 million)."""
    default_deadline_s: PositiveFloat = 30.0
    """Seconds a job may take when its caller names no deadline."""


class EngineConfig(_Strict):
    """How a model process schedules. One set for the GPU (and the simulated device), one for the CPU."""

    max_batch: PositiveInt = 32
    """Units in one run of a network."""
    max_batch_s: PositiveFloat = 0.5
    """Estimated seconds one run may take: bounds how long a small job waits for the device."""
    streams: Annotated[int, Field(ge=1, le=4)] = 1
    """Batches in flight on the device (2 on a GPU, so that copies overlap compute)."""
    window_batches: PositiveFloat = 2.0
    """Units a job may have outstanding, in batches."""
    line_jobs: PositiveInt = 1024
    """Encoded jobs that wait inside the process; beyond it Triton's queue is the bound, where even a refusal waits."""
    line_bytes: PositiveInt = 512 * 2**20
    """Encoded bytes that wait inside the process: two of the largest files, so that one that waits does not close the
    line. Behind a full line requests wait in Triton's queue, which counts requests and not bytes; the gateway bounds
    the bytes of what it lets in (`held_bytes`), and callers who reach Triton's own port must be trusted."""
    pixel_bytes: PositiveInt = 1_000_000_000
    """Encoded, decoded and produced pictures of the jobs that run, bytes."""
    result_bytes: PositiveInt = 256 * 2**20
    """Results that wait to be stitched, bytes: beyond it the device waits for the stitchers."""
    codec_threads: PositiveInt = 2
    """Threads that decode, stitch and encode."""


class TilingConfig(_Strict):
    """How pictures are cut for one network. All lengths are input pixels."""

    heights: tuple[PositiveInt, ...] = (128, 256)
    widths: tuple[PositiveInt, ...] = (128, 256)
    """Tile sizes a network may be run at; every height meets every width, so keep the product at six or fewer."""
    halo: Annotated[int, Field(ge=0)] = 12
    """Pixels at an inner tile edge that are computed and thrown away, because they lack context."""
    blend: Annotated[int, Field(ge=0)] = 8
    """Pixels over which two neighbours are cross-faded. Neighbours overlap by 2 * halo + blend."""
    margin: Annotated[int, Field(ge=0)] = 12
    """Mirrored pixels around the whole picture, so that the network's own zero padding never shows."""


class NetworkConfig(_Strict):
    """Tunables of one network of this version, keyed by its name in `PipelineConfig.networks`."""

    tiling: TilingConfig | None = None
    max_batch: PositiveInt | None = None
    """Overrides EngineConfig.max_batch for this network."""
    probe: PositiveInt | None = None
    """Side of the square that is run at start to learn what a pixel costs, where the smallest unit that is served would
    take seconds. Only for networks that take any size."""


class PipelineConfig(_Strict):
    """`pipeline.json`: `cpu` holds what differs without a GPU, merged key by key over the rest."""

    networks: dict[str, NetworkConfig]
    """By name. A network NAME_16bit of the version that is not listed has the settings of NAME."""
    limits: Limits = Limits()
    engine: EngineConfig = EngineConfig()
    providers: dict[Provider, dict[str, str | int | bool]] = {}
    """onnxruntime's own options by execution provider, on top of ours: {"CUDAExecutionProvider": {"gpu_mem_limit":
    8589934592, "arena_extend_strategy": "kSameAsRequested"}} keeps four models on one card out of each other's way."""
    half_precision: bool = True
    """Whether networks may be computed in half precision where their records allow it."""
    options: dict[str, Any] = {}
    """Task-specific settings of this version (for instance the size buckets of a diffusion model)."""


class NetworkRecord(BaseModel):
    """What export/ states about one exported network in `networks.json`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    file: str
    """ONNX file, relative to the version folder."""
    sha256: str
    """Of the ONNX file (64 hex digits)."""
    files: dict[str, str] = {}
    """Further files that belong to it (external weights, a tokenizer): path in the version folder -> sha256."""
    architecture: str
    scale: PositiveInt = 1
    """Output pixels per input pixel, along one side."""
    weights: str
    """Where the weights came from, told in every report; "random, for testing" where that is so."""
    licence: str
    bits: Literal[8, 16] = 8
    """Of the samples at its ports, uint8 or uint16."""
    half_precision: bool = True
    """Whether a GPU may compute it in fp16. Detectors may not: rounding moves what they find."""
    cpu_precisions: dict[CpuPrecision, float] = {}
    """PSNR in dB of OpenVINO's answers on a CPU in each precision, against onnxruntime's in fp32, by export."""
    simulated: Literal["nearest", "echo", "compute"] = "nearest"
    """What a simulated device answers: the first input enlarged by `scale` and no pixel guarded, the first input as it
    is, or the network's own result (for networks that decide what happens next)."""
    simulated_unit: PositiveInt = 128 * 128 * 3
    """Values of the first input that cost one unit on a simulated device: a 128x128 tile, one face, one latent."""


def load_pipeline(version: Path, *, cpu: bool) -> PipelineConfig:
    """Read `pipeline.json` of the version folder; `cpu` merges its `cpu` section. Raises ConfigError."""
    path = version / PIPELINE_FILE
    raw = _read(path)
    override = raw.pop("cpu", {})
    if cpu:
        raw = _merge(raw, override)
    try:
        return PipelineConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first(error)}") from None


def load_networks(version: Path) -> dict[str, NetworkRecord]:
    """Read `networks.json` of the version folder: network name -> record. Raises ConfigError."""
    path = version / NETWORKS_FILE
    records = {}
    for name, record in _read(path).items():
        try:
            records[name] = NetworkRecord.model_validate(record)
        except ValidationError as error:
            raise ConfigError(f"{path}: {_first(error, name)}") from None
    return records


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing; `make export` writes the networks of every task.") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must hold one JSON object, got {type(raw).__name__}.")
    return raw


def _merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _first(error: ValidationError, *prefix: str) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, (*prefix, *first['loc'])))}: {first['msg']}"
