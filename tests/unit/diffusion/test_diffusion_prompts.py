from pathlib import Path

import numpy as np
import pytest

from darkroom.diffusion.facts import PromptFacts, load_facts
from darkroom.diffusion.text_cache import TextCache
from darkroom.diffusion.tokenizer import PromptTokenizer
from export.diffusion.tiny import TinyRandom

PROMPTS = [
    "a photo of a cat",
    "",
    "   A  Photo,\tof\n a CAT!! ",
    "l'été à São Paulo, naïve café",
    "写真 фото 📷",
    "1girl, 8k, (masterpiece:1.2) <lora:x:0.5>",
    "it's <|endoftext|> over",
    "word " * 200,
]


@pytest.fixture(scope="session")
def tokenize(exported: Path) -> PromptTokenizer:
    return PromptTokenizer(exported, load_facts(exported).prompt)


def test_the_vocabulary_is_clip_s(tokenize: PromptTokenizer) -> None:
    tokens = tokenize("a photo of a cat")
    assert tokens.ids[:7].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert tokens.cut == 0


@pytest.mark.parametrize("prompt", PROMPTS)
def test_tokens_are_those_of_transformers(tokenize: PromptTokenizer, tiny: TinyRandom, prompt: str) -> None:
    reference = tiny.tokenizer()
    expected = reference(prompt, padding="max_length", max_length=77, truncation=True).input_ids
    tokens = tokenize(prompt)
    assert tokens.ids.dtype == np.int64
    assert tokens.ids.tolist() == expected
    assert tokens.cut == max(0, len(reference(prompt).input_ids) - 77)


def test_stable_diffusion_2_pads_with_token_0(exported: Path) -> None:
    facts = PromptFacts(length=10, start=49406, end=49407, pad=0)
    assert PromptTokenizer(exported, facts)("cat").ids.tolist() == [49406, 2368, 49407, *[0] * 7]


def test_cut_tokens_are_counted(tokenize: PromptTokenizer) -> None:
    assert tokenize("cat " * 75).cut == 0
    assert tokenize("cat " * 80).cut == 5


def test_the_cache_is_bounded_in_bytes_and_keeps_what_was_used_last() -> None:
    context = np.ones((77, 8), np.float32)
    keys = [np.full(77, value, np.int64) for value in range(4)]
    cache = TextCache(max_bytes=3 * context.nbytes)
    for key in keys[:3]:
        cache.put(key, context)
    assert cache.get(keys[0]) is not None
    cache.put(keys[3], context)
    assert len(cache) == 3
    assert cache.get(keys[1]) is None
    assert cache.get(keys[0]) is not None


def test_what_is_cached_cannot_be_changed_from_outside() -> None:
    cache, key = TextCache(), np.zeros(77, np.int64)
    batch = np.zeros((2, 77, 8), np.float32)
    cache.put(key, batch[0])
    batch += 1
    kept = cache.get(key)
    assert kept is not None
    assert not kept.any()
    with pytest.raises(ValueError, match="read-only"):
        kept += 1


def test_an_encoding_larger_than_the_cache_is_not_kept() -> None:
    cache = TextCache(max_bytes=10)
    cache.put(np.zeros(77, np.int64), np.zeros((77, 8), np.float32))
    assert len(cache) == 0
