"""One exported Stable Diffusion model without its networks: what is read once a version and shared by its jobs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from darkroom.config import ConfigError
from darkroom.diffusion.facts import SCHEDULER_FILE, SCHEDULERS, DiffusionFacts, load_facts
from darkroom.diffusion.schedulers import read_config
from darkroom.diffusion.text_cache import TextCache
from darkroom.diffusion.tokenizer import PromptTokenizer


@dataclass(frozen=True)
class DiffusionModel:
    facts: DiffusionFacts
    scheduler_config: Mapping[str, Any]
    """The model folder's scheduler_config.json, which every scheduler is made from."""
    tokenize: PromptTokenizer
    contexts: TextCache = field(default_factory=TextCache)


@cache
def load_model(version: Path) -> DiffusionModel:
    """Read the version folder; once a process, which serves one version. Raises ConfigError for the operator."""
    facts = load_facts(version)
    path = version / SCHEDULER_FILE
    try:
        config = json.loads(path.read_text())
        for name in SCHEDULERS:
            read_config(name, config)
        return DiffusionModel(facts, config, PromptTokenizer(version, facts.prompt))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.parent}: the model's files are damaged or missing ({error}).") from None
