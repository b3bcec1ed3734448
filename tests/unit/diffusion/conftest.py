"""A tiny random model: its torch parts, and one exported version of it, made once for the session."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from darkroom.config import EngineConfig
from darkroom.engine import Engine
from darkroom.pipelines.image_to_image import TASK
from darkroom.service import Service
from darkroom.version import ModelVersion
from export import run
from export.diffusion.tiny import TinyRandom
from export.fetch import fetch
from export.recipes.image_to_image import RECIPE
from export.sources import SOURCES


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The networks are tiny: a second thread of torch's gains nothing, and waits spinning where the cores are busy."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def vocabulary() -> bytes:
    """CLIP's merges, gzipped."""
    return next(iter(fetch(SOURCES["clip_vocabulary"]).values()))


@pytest.fixture(scope="session")
def tiny(vocabulary: bytes) -> TinyRandom:
    return TinyRandom(vocabulary)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The version folder of `python -m export image_to_image --sizes 64,128`."""
    target = tmp_path_factory.mktemp("repository")
    parser = argparse.ArgumentParser()
    RECIPE.arguments(parser)
    arguments = parser.parse_args(["--sizes", "64,128"], argparse.Namespace(repository=target, force=False))
    version = run.export(RECIPE, arguments, lambda line: None)
    tunables = repository / "image_to_image" / "1" / "pipeline.json"
    (version / "pipeline.json").write_bytes(tunables.read_bytes())
    return version


@pytest.fixture(scope="session")
def version(exported: Path) -> ModelVersion:
    return ModelVersion.load(exported, TASK.name, "1", gpu=False)


@pytest.fixture
def service(version: ModelVersion) -> Iterator[Service]:
    engine = Engine(EngineConfig(max_batch=8))
    engine.start()
    yield Service(TASK, version, engine)
    engine.stop(grace_s=0.0)
