"""A refusal names a deadline that would do, and who sends it is admitted."""

import json

import pytest

from darkroom.engine.admission import LONGEST_DEADLINE_S, sufficient_s
from darkroom.engine.price import Price, Work, answer_bytes
from darkroom.errors import DeadlineError
from tests.unit.engine.fakes import FakeRunner, network, request
from tests.unit.engine.house import NET, House
from tests.unit.engine.test_engine import Make, learn


@pytest.mark.parametrize("units", [700, 6_000, 60_000, 230_000])
def test_the_deadline_that_is_named_lets_the_job_in(units: int) -> None:
    house = House()
    with pytest.raises(DeadlineError) as refused:
        house.admit(units, within_s=3.0)
    named_s = refused.value.deadline_s
    assert named_s is not None
    assert f"; send deadline_s={named_s:g}." in refused.value.message
    sentence, brace, rest = refused.value.wire_message().partition(" {")
    assert sentence == refused.value.message
    assert json.loads(brace + rest) == {"reason": "deadline", "deadline_s": named_s}
    assert 1.1 * units * 0.010 <= named_s <= LONGEST_DEADLINE_S
    house.admit(units, within_s=named_s)


def test_what_no_deadline_would_do_for_is_too_large() -> None:
    house = House()
    with pytest.raises(DeadlineError, match="at most 3600 s are allowed: it is too large") as refused:
        house.admit(400_000, within_s=3.0)
    assert refused.value.deadline_s is None
    assert "deadline_s" not in json.loads(refused.value.wire_message().split(".", 3)[-1])


@pytest.mark.parametrize(("alone_s", "named_s"), [(0.1, 3), (20, 42), (45, 92), (46, 94), (200, 410), (1700, 3500)])
def test_two_digits_are_named(alone_s: float, named_s: float) -> None:
    assert sufficient_s(alone_s) == named_s


def test_codecs_of_all_bands_but_one_pass_while_the_device_works() -> None:
    def price(bands: int) -> Price:
        return Price((Work(NET, (4,), 100),), 1000, codec_s=2.0, bands=bands)

    assert price(1).answered_s(5.0) == 7.0
    assert price(20).answered_s(5.0) == pytest.approx(5.1)
    assert price(20).answered_s(0.5) == pytest.approx(2.0)
    assert House().admission.forecast(price(20), "interactive", []).done_s == pytest.approx(1.9 + 0.1)


def test_a_job_that_was_believed_to_be_shorter_hears_what_it_needs(make_engine: Make) -> None:
    runner = FakeRunner()
    engine, net = make_engine(), network(runner)
    learn(engine, net, 4, 0.03)
    runner.gate.clear()
    job = request(net, 10, id="a", deadline_s=0.2)
    engine.submit(job)
    _, error = job.answer.wait()
    runner.gate.set()
    assert isinstance(error, DeadlineError)
    assert error.message == "The deadline of 0.2 s passed before the job was done; send deadline_s=3."
    assert error.deadline_s == 3


def test_the_answer_of_a_format_that_is_encoded_whole_is_held_whole() -> None:
    assert answer_bytes(10**6, 1, "webp") > 3 * 10**6 > answer_bytes(10**6, 1, "png") > answer_bytes(10**6, 1, "jpeg")
    assert answer_bytes(10**6, 2, "png") == 2 * answer_bytes(10**6, 1, "png")
