"""Prompts to tokens, with the tokenizer that came with the model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as ByteLevelTokenizer

from darkroom.diffusion.facts import TOKENIZER_FILE, PromptFacts


@dataclass(frozen=True)
class Tokens:
    """A prompt as the text encoder takes it."""

    ids: NDArray[np.int64]
    """[length]: start, the prompt, end, padding."""
    cut: int
    """Tokens of the prompt that did not fit and were left out, from its end."""


class PromptTokenizer:
    """Byte-pair encoding from a version's `tokenizer.json`.

    The `tokenizers` library reads the file that transformers writes, without transformers itself. Thread-safe.
    """

    def __init__(self, version: Path, facts: PromptFacts) -> None:
        """`version`: the version's folder. Raises OSError or ValueError where the file cannot be used."""
        # from_file raises a bare Exception where the file is missing; reading it here raises OSError.
        self._bpe = ByteLevelTokenizer.from_str((version / TOKENIZER_FILE).read_text(encoding="utf-8"))
        self._facts = facts

    def __call__(self, prompt: str) -> Tokens:
        facts = self._facts
        words = self._bpe.encode(prompt, add_special_tokens=False).ids
        room = facts.length - 2
        ids = [facts.start, *words[:room], facts.end]
        ids += [facts.pad] * (facts.length - len(ids))
        return Tokens(np.array(ids, np.int64), cut=max(0, len(words) - room))
