"""Hostile files and requests through a real server: refused one by one, and nobody else notices."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator

import pytest
from malformed import Malformed, deadly, malformed, noise

from darkroom.server import Server
from perf.hostile import Hostile, hostile_files
from perf.hostile.seeds import seeds
from perf.hostile.sending import Sender
from perf.torture import stubs

TIMEOUT_S = 60
GOOD = Hostile("a sound file", seeds()["png"])
TRITONS_OWN = ("failed to parse", "Unable to parse", "failed to get request params", "was not found in the JSON")
"""How Triton's own complaints about JSON begin, which it sends with status 500: no request of ours causes them."""


@pytest.fixture
def sender(quick: Server, quick_gateway: str) -> Iterator[Sender]:
    """After the test: the same processes as before, and the same answers."""
    sending, before = Sender(quick.http_url, quick.grpc_url, quick_gateway), stubs(quick)
    expected = [sending.send(way, GOOD).picture for way in sending.ways]
    assert all(expected)
    yield sending
    assert [sending.send(way, GOOD).picture for way in sending.ways] == expected
    assert stubs(quick) == before
    sending.close()


@pytest.mark.parametrize("count", [700, pytest.param(10_000, marks=pytest.mark.slow)])
def test_hostile_files_by_every_way(sender: Sender, count: int) -> None:
    verdicts = sender.send_all(hostile_files(count, seed=count), callers=8)
    answers = Counter(verdict.answer for verdict in verdicts)
    assert [f"{verdict.what}: {verdict.status} {verdict.message}" for verdict in verdicts if verdict.failed] == []
    assert sum(answers.values()) == count
    assert answers["ok"] > count / 10
    assert answers["bad_image"] > count / 2


@pytest.mark.usefixtures("sender")
def test_malformed_requests(quick: Server) -> None:
    for request in [*malformed(GOOD.data), *noise(100, seed=4)]:
        status, message = post(quick, request)
        assert status in (200, 400, 413, 431, 500, 501, 503), (request.what, status, message)
        own = '"reason"' in message
        assert status != 500 or not own, (request.what, message)
        assert status != 500 or any(words in message for words in TRITONS_OWN), (request.what, message)
        if own:
            details = json.loads(message[message.rindex("{") :])
            assert details["reason"] in ("bad_image", "bad_option", "deadline"), (request.what, message)


@pytest.mark.usefixtures("sender")
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("two pictures in a batch", "A request holds one image, got a batch of 2; send a request for each."),
        ("an id that is no UTF-8", "The id of a request must be UTF-8 text."),
        ("an id of a megabyte", "The id of a request has at most 256 characters, got 1048576."),
        ("header: no UTF-8", "Options and their headers must be UTF-8 text."),
        ("parameters: no UTF-8", "Options and their headers must be UTF-8 text."),
        ("query: brackets", 'query must be one JSON object like {"action": "state", "id": "..."}.'),
    ],
)
def test_what_triton_lets_pass_is_refused_with_a_sentence(quick: Server, what: str, sentence: str) -> None:
    (request,) = [request for request in malformed(GOOD.data) if request.what == what]
    status, message = post(quick, request)
    assert (status, message.partition(' {"reason')[0]) == (400, sentence)


def test_one_request_ends_this_triton() -> None:
    """Told in docs/contract.md, with what to do about it; the day that this fails, Triton was mended: tell that."""
    environment = {"DARKROOM_SIMULATE": "2,0.2"}
    models = ["super_resolution", "jobs"]
    with Server(models=models, config_name="simulated", env=environment, exit_timeout_s=1) as running:
        with pytest.raises((OSError, http.client.HTTPException)):
            post(running, deadly(GOOD.data))
        assert running.wait() == -6  # SIGABRT


def post(server: Server, request: Malformed) -> tuple[int, str]:
    """Status and error of one answer; status 431 where the connection is cut over the headers, as Triton does."""
    connection = http.client.HTTPConnection(server.http_url, timeout=TIMEOUT_S)
    try:
        connection.putrequest("POST", request.path)
        for name, value in {"Content-Length": str(len(request.body)), **request.headers}.items():
            connection.putheader(name.encode("latin-1"), value.encode("latin-1"))
        connection.endheaders()
        connection.send(request.body)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, "" if answer.status == 200 else str(json.loads(body)["error"])
    except ConnectionError:
        if sum(len(name) + len(value) for name, value in request.headers.items()) < 10_000:
            raise
        return 431, ""
    finally:
        connection.close()
