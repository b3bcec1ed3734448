"""Trying again: when, after how long, and with which id."""

import pytest
from darkroom_client import BadOption, Busy, DeadlinePassed, LostJob, Retry, ServerError, Unavailable, Unreachable
from darkroom_client.link import drive
from darkroom_client.wire import Failure
from fake_link import FakeLink, busy, core, no_jobs_model, picture, told

UNREACHABLE = Failure("UNREACHABLE", "Connection refused")


def scripted(*behaviours):
    """Each call meets the next behaviour; "ok" is a picture."""
    left = list(behaviours)

    def script(call):
        met = left.pop(0)
        return picture(call) if met == "ok" else met

    return script


def run(link, **given):
    return drive(core(link).run("denoise", b"image", given))


def test_busy_is_tried_again_after_what_the_server_said_and_jitter():
    link = FakeLink(scripted(busy(2.0), busy(3.0), "ok"))
    assert run(link).bytes == b"picture"
    assert link.sleeps == [2.0 + 0.25, 3.0 + 0.5]
    assert len({call.request_id for call in link.calls}) == 1


def test_pauses_double_up_to_a_ceiling():
    retry = Retry(tries=100, first_s=1, most_s=5, random=lambda: 1.0)
    pauses = [retry.pause_s(Unavailable("x"), tries, None) for tries in range(1, 6)]
    assert pauses == [1, 2, 4, 5, 5]


def test_full_jitter_reaches_down_to_nothing():
    assert Retry(random=lambda: 0.0).pause_s(Unavailable("x"), 3, None) == 0


@pytest.mark.parametrize("error", [BadOption("x"), DeadlinePassed("x"), ServerError("x")])
def test_what_would_fail_again_is_not_tried_again(error):
    assert Retry().pause_s(error, 1, None) is None


def test_tries_are_counted():
    link = FakeLink(scripted(*[busy(0.1)] * 5))
    with pytest.raises(Busy) as caught:
        run(link)
    assert len(link.calls) == 5
    assert caught.value.retry_after_s == 0.1


def test_retries_can_be_switched_off():
    link = FakeLink(scripted(busy(0.1)))
    with pytest.raises(Busy):
        run(link, retry=Retry.OFF)
    assert link.sleeps == []


def test_a_busy_server_may_be_worth_more_patience():
    retry = Retry(tries=2, busy_tries=50, random=lambda: 0.0)
    link = FakeLink(scripted(*[busy(0.1)] * 20, UNREACHABLE, *[busy(0.1)] * 20, "ok"))
    run(link, retry=retry)
    link = FakeLink(scripted(*[busy(0.1)] * 20, UNREACHABLE, UNREACHABLE))
    with pytest.raises(Unreachable):
        run(link, retry=retry)


def test_never_past_the_deadline():
    link = FakeLink(scripted(busy(1.0), busy(9.0)))
    with pytest.raises(Busy):
        run(link, deadline_s=5.0)
    assert link.time < 1000 + 5
    first, second = link.calls
    assert first.parameters["deadline_s"] == 5.0
    assert second.parameters["deadline_s"] == pytest.approx(5 - 1.25)


def test_a_deadline_that_passes_while_reading_the_file():
    link = FakeLink(scripted("ok"))

    async def slow(work):
        link.time += 10
        return work()

    link.offload = slow
    with pytest.raises(DeadlinePassed, match="5 s passed before the job could be sent"):
        run(link, deadline_s=5)
    assert link.calls == []


def test_a_try_after_trouble_gets_a_new_id_as_the_old_job_may_still_run():
    link = FakeLink(scripted(busy(0.1), UNREACHABLE, busy(0.1), "ok"))
    assert run(link, request_id="mine").request_id == "mine.3"
    assert [call.request_id for call in link.calls] == ["mine", "mine", "mine.3", "mine.3"]


@pytest.mark.parametrize(
    "message",
    [
        "Request for unknown model: 'denoise' has no available versions",
        "Stub process 'denoise_0_0' is not healthy.",
    ],
)
def test_a_reload_and_a_dead_stub_are_tried_again(message):
    link = FakeLink(scripted(Failure("NOT_FOUND", message), "ok"))
    run(link)
    assert len(link.calls) == 2


def test_tritons_own_busy_asks_jobs_when_to_come_back():
    full = Failure("UNAVAILABLE", "Exceeds maximum queue size")
    link = FakeLink(scripted(full, "ok"), jobs=lambda call: told(call, engines=[], retry_after_s=3.0))
    run(link)
    assert link.sleeps == [3.25]
    link = FakeLink(scripted(full), jobs=no_jobs_model)
    with pytest.raises(Busy) as caught:
        run(link, retry=Retry.OFF)
    assert caught.value.retry_after_s == 1.0


def test_lost_jobs_are_retryable():
    assert LostJob.retryable
    assert issubclass(LostJob, Unavailable)


def test_many_refusals_ask_jobs_only_once_a_second():
    full = Failure("UNAVAILABLE", "Exceeds maximum queue size")
    link = FakeLink(scripted(*[full] * 20), jobs=lambda call: told(call, engines=[], retry_after_s=3.0))
    client = core(link)
    for _ in range(20):
        with pytest.raises(Busy) as caught:
            drive(client.run("denoise", b"image", {"retry": Retry.OFF}))
        assert caught.value.retry_after_s == 3.0
    assert len(link.questions) == 1
