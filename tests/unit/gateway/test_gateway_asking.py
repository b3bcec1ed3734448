import pytest
from darkroom_gateway.asking import parse
from darkroom_gateway.options import DenoiseOptions, ImageToImageOptions, SuperResolutionOptions
from darkroom_gateway.problems import Problem


def test_text_becomes_typed_options_and_only_what_was_given_travels():
    asked = parse(SuperResolutionOptions, [("scale", "2"), ("output_format", "png"), ("network", "")])
    assert asked.given == {"scale": 2, "output_format": "png"}
    assert not asked.in_background
    assert parse(DenoiseOptions, [("strength", "12.5")]).given == {"strength": 12.5}
    assert parse(DenoiseOptions, [("strength", "auto")]).given == {"strength": "auto"}
    assert parse(ImageToImageOptions, [("prompt", "42"), ("seed", str(2**63 - 1))]).given["prompt"] == "42"


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("1", True), ("False", False), ("", False), ("on", True)])
def test_async(text, meant):
    assert parse(DenoiseOptions, [("async", text)]).in_background is meant


@pytest.mark.parametrize(
    ("kind", "pairs", "sentence"),
    [
        (SuperResolutionOptions, [("scale", "3")], 'scale must be 2 or 4, got "3".'),
        (SuperResolutionOptions, [("scale", "two")], 'scale must be 2 or 4, got "two".'),
        (SuperResolutionOptions, [("scal", "2")], 'Unknown option "scal". Did you mean scale? Known options: '),
        (SuperResolutionOptions, [("scale", "2"), ("scale", "4")], '"scale" is given twice; once is enough.'),
        (SuperResolutionOptions, [("async", "maybe")], 'async must be true or false, got "maybe".'),
        (DenoiseOptions, [("strength", "nan")], 'strength must be "auto" or a number from 0 to 75'),
        (DenoiseOptions, [("deadline_s", "inf")], "deadline_s must be a number of seconds above 0, at most 3600"),
        (ImageToImageOptions, [("seed", "-1")], 'seed must be a whole number from 0 to 2**63 - 1, got "-1".'),
        (ImageToImageOptions, [("prompt", "x" * 10_001)], "prompt must be a text of at most 10000 characters, got"),
    ],
)
def test_refusals_name_option_value_and_what_is_allowed(kind, pairs, sentence):
    with pytest.raises(Problem) as caught:
        parse(kind, pairs)
    assert caught.value.status == 422
    assert caught.value.reason == "bad_option"
    assert caught.value.detail.startswith(sentence)
