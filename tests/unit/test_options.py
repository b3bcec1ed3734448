"""Options: parameters and headers to typed values, or one sentence that says what is allowed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import BadOptionError
from darkroom.options import DenoiseOptions, Options, SuperResolutionOptions, parse


def test_defaults() -> None:
    options = parse(SuperResolutionOptions, {})
    assert (options.scale, options.network, options.output_format) == (4, "span", "same")
    assert (options.lane, options.quote, options.deadline_s) == ("interactive", False, None)


@pytest.mark.parametrize(
    ("parameters", "scale"),
    [
        ({"scale": 2}, 2),
        ({"scale": 2.0}, 2),
        ({"darkroom-scale": "2"}, 2),
        ({"Darkroom-Scale": "2"}, 2),
        ({"DARKROOM-SCALE": "2", "scale": 4}, 4),
    ],
)
def test_parameters_win_over_headers_of_any_case(parameters: dict[str, Any], scale: int) -> None:
    assert parse(SuperResolutionOptions, parameters).scale == scale


def test_headers_spell_options_with_hyphens_or_underscores() -> None:
    assert parse(Options, {"darkroom-output-format": "webp"}).output_format == "webp"
    assert parse(Options, {"darkroom-output_format": "webp"}).output_format == "webp"


def test_headers_are_coerced_to_what_the_option_is() -> None:
    options = parse(DenoiseOptions, {"darkroom-strength": "12.5", "darkroom-quote": "True", "darkroom-network": "42"})
    assert (options.strength, options.quote, options.network) == (12.5, True, "42")


@pytest.mark.parametrize("key", ["darkroom-admin-key", "triton_enable_empty_final_response"])
def test_what_is_no_option_is_passed_over(key: str) -> None:
    parse(Options, {key: "x"})


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"scale": 3}, "scale must be 2 or 4, got 3."),
        ({"scale": "4"}, 'scale must be 2 or 4, got "4".'),
        ({"scale": True}, "scale must be 2 or 4, got true."),
        ({"darkroom-scale": "large"}, 'scale must be 2 or 4, got "large".'),
        ({"output_quality": 0}, "output_quality must be a whole number from 1 to 100, got 0."),
        ({"output_format": "gif"}, 'output_format must be "same", "png", "jpeg", "webp", "avif" or "tiff", got "gif".'),
        ({"deadline_s": -1}, "deadline_s must be a number of seconds above 0, at most 3600, got -1."),
        ({"lane": "fast"}, 'lane must be "interactive" or "bulk", got "fast".'),
        ({"quote": 1}, "quote must be true or false, got 1."),
        ({"output_depth": 12}, 'output_depth must be "same", 8 or 16, got 12.'),
        ({"metadata": "drop"}, 'metadata must be "keep", "no_location" or "strip", got "drop".'),
        ({"frame": -1}, "frame must be a whole number from 0 to 9999, got -1."),
        ({"truncated": "yes"}, 'truncated must be "refuse" or "accept", got "yes".'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadOptionError) as refused:
        parse(SuperResolutionOptions, parameters)
    assert refused.value.message == sentence


@pytest.mark.parametrize("name", ["jpg", "JPEG", "image/jpg", "image/jpeg", " jpeg "])
def test_formats_have_other_names(name: str) -> None:
    assert parse(Options, {"output_format": name}).output_format == "jpeg"
    assert parse(Options, {"darkroom-output-format": name}).output_format == "jpeg"


@pytest.mark.parametrize(("value", "depth"), [("same", "same"), ("16", 16), ("8", 8)])
def test_depth_is_a_word_or_a_number(value: str, depth: object) -> None:
    assert parse(DenoiseOptions, {"darkroom-output-depth": value}).output_depth == depth


def test_strength_takes_auto_or_a_number() -> None:
    assert parse(DenoiseOptions, {"strength": "auto"}).strength == "auto"
    assert parse(DenoiseOptions, {"strength": 75}).strength == 75
    with pytest.raises(BadOptionError, match=r'strength must be "auto" or a number from 0 to 75 .* got 80\.'):
        parse(DenoiseOptions, {"strength": 80})


def test_an_unknown_option_names_the_known_ones() -> None:
    with pytest.raises(BadOptionError, match=r'Unknown option "sclae"\. Did you mean scale\? Known options: .*scale'):
        parse(SuperResolutionOptions, {"sclae": 4})


def test_a_long_value_is_cut_in_the_error() -> None:
    with pytest.raises(BadOptionError) as refused:
        parse(SuperResolutionOptions, {"output_format": "x" * 10_000})
    assert len(refused.value.message) < 300


def test_not_a_number_is_no_number() -> None:
    with pytest.raises(BadOptionError, match="deadline_s"):
        parse(Options, {"deadline_s": float("nan")})


@pytest.mark.parametrize("header", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, "1e999", "\0", "NaN"])
def test_a_header_that_json_chokes_on_is_a_wrong_value(header: str) -> None:
    with pytest.raises(BadOptionError, match=r"scale must be 2 or 4") as refused:
        parse(SuperResolutionOptions, {"darkroom-scale": header})
    assert len(refused.value.message) < 300


def test_half_a_surrogate_pair_can_be_sent_back() -> None:
    with pytest.raises(BadOptionError) as refused:
        parse(SuperResolutionOptions, {"\ud800": 1})
    assert rb"\ud800" in refused.value.wire_message().encode()


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()), st.just("9" * 5_000)
)
names = st.one_of(
    st.sampled_from([*SuperResolutionOptions.model_fields, *DenoiseOptions.model_fields]),
    st.sampled_from(["darkroom-scale", "Darkroom-Scale", "darkroom-deadline-s", "darkroom-quote", "darkroom-"]),
    st.text(),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.sampled_from([Options, SuperResolutionOptions, DenoiseOptions]), st.dictionaries(names, values, max_size=6))
def test_anything_is_an_option_or_a_sentence(kind: type[Options], parameters: dict[str, Any]) -> None:
    try:
        options = parse(kind, parameters)
    except BadOptionError as refused:
        message = refused.wire_message()
        assert message.endswith('. {"reason": "bad_option"}')
        assert len(message.encode()) < 2_000
    else:
        assert options.deadline_s is None or 0 < options.deadline_s <= 3600
        assert options.output_quality in (None, *range(1, 101))
