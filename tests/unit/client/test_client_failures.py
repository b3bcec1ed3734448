"""From the server's words to an exception."""

import pytest
from darkroom_client import errors
from darkroom_client.address import parse
from darkroom_client.failures import split, translate
from darkroom_client.wire import Failure, first_string, status_of_http

from darkroom import errors as server_errors

HERE = parse("127.0.0.1:8001")


@pytest.mark.parametrize(
    ("sent", "raised"),
    [
        (server_errors.BadImageError, errors.BadImage),
        (server_errors.BadOptionError, errors.BadOption),
        (server_errors.NotAllowedError, errors.NotAllowed),
        (server_errors.BusyError, errors.Busy),
        (server_errors.DeadlineError, errors.DeadlinePassed),
        (server_errors.UnavailableError, errors.Unavailable),
        (server_errors.CancelledError, errors.Cancelled),
        (server_errors.InternalError, errors.ServerError),
    ],
)
def test_every_error_of_the_server_has_an_exception(sent, raised):
    message = sent("It has to be {so}.", 1.25).wire_message()
    error = translate(Failure("WHATEVER", message), HERE)
    assert type(error) is raised
    assert error.message == "It has to be {so}."
    assert error.retry_after_s == 1.25


def test_a_refusal_may_name_the_deadline_that_would_do():
    message = 'It needs about 50 s. {"reason": "deadline", "deadline_s": 58}'
    error = translate(Failure("UNAVAILABLE", message), HERE)
    assert type(error) is errors.DeadlinePassed
    assert error.message == "It needs about 50 s."
    assert error.deadline_s == 58.0
    assert translate(Failure("UNAVAILABLE", 'Late. {"reason": "deadline"}'), HERE).deadline_s is None


@pytest.mark.parametrize(
    ("status", "message", "raised"),
    [
        ("UNAVAILABLE", "Exceeds maximum queue size", errors.Busy),
        ("UNAVAILABLE", "[request id: 17] Exceeds maximum queue size", errors.Busy),
        ("UNAVAILABLE", "Request timeout expired", errors.DeadlinePassed),
        ("NOT_FOUND", "Request for unknown model: 'denoise' has no available versions", errors.Unavailable),
        ("INTERNAL", "Stub process 'denoise_0_0' is not healthy.", errors.Unavailable),
        ("NOT_FOUND", "Request for unknown model: 'nope' is not found", errors.NotServed),
        ("INVALID_ARGUMENT", "unexpected shape for input 'image'", errors.BadOption),
        ("CANCELLED", "Locally cancelled by application!", errors.Cancelled),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", errors.DeadlinePassed),
        ("PERMISSION_DENIED", "This API is restricted", errors.NotAllowed),
        ("RESOURCE_EXHAUSTED", "Server busy", errors.Busy),
        ("UNAVAILABLE", "something new", errors.Unavailable),
        ("INTERNAL", "something new", errors.ServerError),
        ("WHATEVER", "something new", errors.ServerError),
    ],
)
def test_tritons_own_words(status, message, raised):
    error = translate(Failure(status, message), HERE)
    assert type(error) is raised
    # a model that is being reloaded is worth waiting for, longer than five quick tries would
    assert error.retry_after_s == (1.0 if raised is errors.Unavailable else None)


def test_trouble_with_the_connection_names_the_address():
    error = translate(Failure("UNREACHABLE", "Connection refused"), HERE)
    assert type(error) is errors.Unreachable
    assert error.message == "There is no connection to grpc://127.0.0.1:8001: Connection refused"
    assert error.retryable


def test_a_later_servers_reason_is_a_server_error():
    error = translate(Failure("UNAVAILABLE", 'New. {"reason": "on_strike"}'), HERE)
    assert type(error) is errors.ServerError


@pytest.mark.parametrize("text", ['x {"reason": }', "x {", "x }", '"}', "", "no object"])
def test_a_message_without_object_is_kept(text):
    assert split(text) == (text, {})


@pytest.mark.parametrize("wrong", ["soon", True, None, [1]])
def test_a_retry_after_that_is_no_number_is_ignored(wrong):
    import json

    message = "x " + json.dumps({"reason": "busy", "retry_after_s": wrong})
    assert translate(Failure("UNAVAILABLE", message), HERE).retry_after_s is None


def test_http_codes_become_status_names():
    assert [status_of_http(code) for code in ("400", "404", "429", "500", "503", "504", "418")] == [
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "RESOURCE_EXHAUSTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "UNKNOWN",
    ]


def test_only_refused_and_lost_jobs_are_retryable():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    retryable = {kind.__name__ for kind in kinds if getattr(kind, "retryable", False)}
    assert retryable == {"Busy", "Unavailable", "LostJob", "Unreachable"}


def test_every_error_has_one_line_of_documentation():
    for kind in vars(errors).values():
        if isinstance(kind, type):
            assert kind.__doc__
            assert "\n" not in kind.__doc__.strip()


def test_first_string_of_a_tensor():
    assert first_string(b"\x03\x00\x00\x00abc\x01\x00\x00\x00d") == b"abc"
