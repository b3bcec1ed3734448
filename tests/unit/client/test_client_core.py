"""Running, quoting, watching and stopping jobs."""

import contextlib

import pytest
from darkroom_client import DeadlinePassed, Retry, ServerError
from darkroom_client.engines import Engines
from darkroom_client.jobs import JobState
from darkroom_client.link import drive, iterate
from darkroom_client.wire import Answer, Failure
from fake_link import NEVER, FakeLink, Later, asked, core, no_jobs_model, picture, told


def test_a_picture_and_its_report():
    link = FakeLink(lambda call: picture(call, b"png", units=3, version=2, faces=[], news="x"))
    result = drive(core(link).run("denoise", b"image", {"request_id": "mine"}))
    assert result.bytes == b"png"
    assert result.request_id == "mine"
    assert (result.report.task, result.report.units, result.report.version) == ("denoise", 3, "2")
    assert result.report.faces == ()
    assert result.report.raw["news"] == "x"
    assert link.calls[0].headers == {"authorization": "Bearer x"}


def test_headers_of_one_call_win_over_the_clients():
    link = FakeLink(lambda call: picture(call, b"png"))
    drive(core(link).run("denoise", b"image", {"headers": {"traceparent": "t", "authorization": "Bearer y"}}))
    assert link.calls[0].headers == {"authorization": "Bearer y", "traceparent": "t"}
    assert "headers" not in link.calls[0].parameters


def test_a_quote_asks_for_no_work():
    link = FakeLink(lambda call: picture(call, b"", units=12, work_s=1.5, done_in_s=4))
    quote = drive(core(link).quote("denoise", b"image", {"strength": 5}))
    assert (quote.units, quote.work_s, quote.done_in_s) == (12, 1.5, 4.0)
    assert link.calls[0].parameters == {"strength": 5, "quote": True}


@pytest.mark.parametrize(
    "outputs", [{}, {"image": b""}, {"image": b"", "report": b"{"}, {"image": b"", "report": b"[]"}]
)
def test_an_answer_that_is_none_is_a_server_error(outputs):
    link = FakeLink(lambda call: Answer(call.request_id, outputs))
    with pytest.raises(ServerError):
        drive(core(link).run("denoise", b"image", {}))


def test_somebody_elses_answer_is_refused():
    link = FakeLink(lambda call: Answer("other", {"image": b"", "report": b"{}"}))
    with pytest.raises(ServerError, match="belongs to job 'other'"):
        drive(core(link).run("denoise", b"image", {}))


@pytest.mark.parametrize("reaches", [True, False])
def test_whatever_interrupts_the_wait_cancels_the_job(reaches):
    link = FakeLink(
        lambda call: Later(0.0, KeyboardInterrupt()),
        jobs=lambda call: told(call, cancelled=True),
        cancel_reaches_server=reaches,
    )
    with pytest.raises(KeyboardInterrupt):
        drive(core(link).run("denoise", b"image", {"request_id": "mine"}))
    assert link.abandoned == ["mine"]
    cancels = [question for question in link.questions if question["action"] == "cancel"]
    assert cancels == ([] if reaches else [{"action": "cancel", "id": "mine"}])


def test_a_job_nobody_waits_for_any_more_is_cancelled():
    link = FakeLink(
        lambda call: Later(2.0, Failure("DEADLINE_EXCEEDED", "Deadline Exceeded")),
        jobs=lambda call: told(call, cancelled=True, engines=[]),
        cancel_reaches_server=False,
    )
    with pytest.raises(DeadlinePassed, match=r"did not answer within 2\.0 s"):
        drive(core(link).run("denoise", b"image", {"request_id": "mine", "deadline_s": 1}))
    assert {"action": "cancel", "id": "mine"} in link.questions


def test_progress_is_told_while_the_job_runs():
    link = FakeLink(lambda call: Later(2.0, picture(call)))
    link.jobs = lambda call: told(
        call, id="x", state="running", units_done=int(4 * (link.time - 1000)), units_total=8, engines=[]
    )
    seen = []
    drive(core(link).run("denoise", b"image", {"on_progress": seen.append}))
    assert [state.units_done for state in seen] == sorted(state.units_done for state in seen)
    assert len(seen) >= 6
    assert seen[-1].fraction == pytest.approx(7 / 8)


def test_progress_in_device_work_goes_before_units():
    told_work = JobState.parse({"id": "a", "state": "running", "units_done": 7, "units_total": 8, "progress": 0.25})
    assert told_work.fraction == 0.25
    assert JobState.parse({"id": "a", "units_done": 7, "units_total": 8}).fraction == pytest.approx(7 / 8)


def test_without_the_model_jobs_there_is_no_progress_and_no_harm():
    link = FakeLink(lambda call: Later(2.0, picture(call)), jobs=no_jobs_model)
    assert drive(core(link).run("denoise", b"image", {"on_progress": pytest.fail})).bytes == b"picture"


def test_a_callback_that_fails_ends_the_job():
    def fails(state):
        raise ZeroDivisionError

    link = FakeLink(lambda call: Later(2.0, picture(call)), jobs=lambda call: told(call, state="running"))
    with pytest.raises(ZeroDivisionError):
        drive(core(link).run("denoise", b"image", {"on_progress": fails}))
    assert len(link.abandoned) == 1


def test_many_followed_jobs_are_asked_about_less_often():
    engines = Engines(FakeLink(lambda call: picture(call)), {})
    assert engines.crowd == 1
    with contextlib.ExitStack() as followed:
        for _ in range(2):
            followed.enter_context(engines.following())
        assert engines.crowd == 1
        for _ in range(14):
            followed.enter_context(engines.following())
        assert engines.crowd == 4
    assert engines.crowd == 1


def watched(link, **how):
    states = iterate(core(link).watch("id", how.pop("interval_s", 1.0), how.pop("appear_within_s", 5.0)))
    return [(state.state, state.units_done) for state in states]


def job_of(link, *, appears=1000.0, ends=NEVER, engine_dies=NEVER):
    def jobs(call):
        if asked(call)["action"] == "totals":
            alive = link.time < engine_dies
            return told(call, engines=[{"task": "t", "version": "1", "start_id": "a"}] if alive else [])
        if appears <= link.time < min(ends, engine_dies):
            return told(call, id="id", state="running", units_done=int(link.time - appears), start_id="a")
        return told(call, state="unknown")

    return jobs


def test_watching_a_job_to_its_end():
    link = FakeLink(lambda call: picture(call))
    link.jobs = job_of(link, appears=1002, ends=1005)
    assert watched(link) == [("running", 0), ("running", 1), ("running", 2), ("ended", 2)]


def test_watching_a_job_that_dies_with_its_engine():
    link = FakeLink(lambda call: picture(call))
    link.jobs = job_of(link, engine_dies=1002)
    assert watched(link) == [("running", 0), ("running", 1), ("lost", 1)]


def test_watching_a_job_that_never_comes():
    link = FakeLink(lambda call: picture(call))
    link.jobs = job_of(link, appears=NEVER)
    assert watched(link, appear_within_s=3) == [("unknown", 0)]
    assert link.time == pytest.approx(1003)


def test_states_that_do_not_change_are_not_repeated():
    link = FakeLink(lambda call: picture(call))
    link.jobs = job_of(link, ends=1003)
    assert len(watched(link, interval_s=0.1)) == 4


def test_the_list_of_jobs_carries_the_admin_key():
    sent = []

    def jobs(call):
        sent.append(dict(call.headers))
        return told(call, jobs=[{"id": "a", "state": "waiting", "lane": "bulk", "units_total": 4}])

    link = FakeLink(lambda call: picture(call), jobs=jobs)
    (job,) = drive(core(link, admin_key="secret").jobs())
    assert (job.id, job.lane, job.fraction) == ("a", "bulk", 0.0)
    assert sent == [{"authorization": "Bearer x", "darkroom-admin-key": "secret"}]


def test_the_admin_key_never_goes_to_a_task():
    link = FakeLink(lambda call: picture(call))
    drive(core(link, admin_key="secret").run("denoise", b"image", {}))
    assert "secret" not in str(link.calls)


def test_totals_survive_a_server_of_another_age():
    link = FakeLink(
        lambda call: picture(call),
        jobs=lambda call: told(
            call,
            engines=[
                {"task": "a", "version": 1, "start_id": "x", "units_per_batch": 8, "max_batch": 32, "new": 1},
                {"task": "b"},
            ],
        ),
    )
    totals = drive(core(link).engines.totals())
    assert totals.engines[0].batch_fill == 0.25
    assert totals.engines[1].batch_fill == 0
    assert totals.retry_after_s is None


def test_a_jobs_model_that_hangs_is_given_up():
    link = FakeLink(lambda call: picture(call), jobs=lambda call: Later(NEVER))
    with pytest.raises(DeadlinePassed, match="`jobs` did not answer"):
        drive(core(link).engines.totals())
    assert len(link.abandoned) == 1


def test_a_jobs_model_that_talks_nonsense_is_a_server_error():
    link = FakeLink(lambda call: picture(call), jobs=lambda call: Answer("", {"answer": b"[]"}))
    with pytest.raises(ServerError):
        drive(core(link).engines.state("x"))


def test_defaults_of_the_client_hold():
    link = FakeLink(lambda call: picture(call))
    drive(core(link, lane="bulk", deadline_s=7, retry=Retry.OFF).run("denoise", b"image", {}))
    assert link.calls[0].parameters == {"lane": "bulk", "deadline_s": 7}
