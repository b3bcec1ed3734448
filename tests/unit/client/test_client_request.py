"""Keyword arguments to the call that travels."""

import numpy as np
import pytest
from darkroom_client.errors import BadOption
from darkroom_client.options import CallOptions, Settings, separate
from darkroom_client.request import next_request_id, task_call
from darkroom_client.retry import Retry
from darkroom_client.tasks import Tasks


def call_of(given, remaining_s=None):
    settings, options = separate(given, Settings())
    return task_call(
        "denoise", b"image", options, settings, request_id="id", remaining_s=remaining_s, headers={"a": "b"}
    )


def test_options_travel_with_their_types():
    call = call_of({"a": 1, "b": 2.5, "c": "x", "d": True, "e": None, "f": np.float32(0.5), "g": np.int64(3)})
    assert call.parameters == {"a": 1, "b": 2.5, "c": "x", "d": True, "f": 0.5, "g": 3}
    assert type(call.parameters["g"]) is int
    assert (call.model, call.input_name, call.datatype, call.input_bytes) == ("denoise", "image", "UINT8", b"image")
    assert call.headers == {"a": "b"}


def test_settings_are_no_options():
    given = {"deadline_s": 3.0, "request_id": "x", "model_version": 2, "on_progress": print, "retry": Retry.OFF}
    call = call_of(given)
    assert call.parameters == {}
    assert call.version == "2"


@pytest.mark.parametrize(("lane", "priority"), [("interactive", 1), ("bulk", 2)])
def test_the_lane_is_an_option_and_a_priority(lane, priority):
    call = call_of({"lane": lane})
    assert call.parameters["lane"] == lane
    assert call.priority == priority


def test_without_lane_the_server_decides():
    call = call_of({})
    assert "lane" not in call.parameters
    assert call.priority == 0


def test_the_deadline_travels_three_times():
    call = call_of({}, remaining_s=2.5)
    assert call.parameters["deadline_s"] == 2.5
    assert call.timeout_us == 2_500_000
    assert 2.5 < call.client_timeout_s <= 5


def test_a_large_picture_has_time_to_travel_beside_its_deadline():
    settings, options = separate({}, Settings())
    large = task_call("denoise", bytes(10**8), options, settings, request_id="id", remaining_s=600.0, headers={})
    assert large.parameters["deadline_s"] == 600.0
    assert large.client_timeout_s == 606.0


def test_a_very_long_deadline_is_what_one_try_may_take():
    call = call_of({}, remaining_s=10_000)
    assert call.parameters["deadline_s"] == 3600
    assert call.client_timeout_s > 10_000


def test_without_deadline_nothing_is_sent():
    call = call_of({})
    assert call.timeout_us is None
    assert call.client_timeout_s is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lane": "fast"}, "lane must be 'interactive' or 'bulk', got 'fast'"),
        ({"deadline_s": 0}, "deadline_s must be a number of seconds above 0"),
        ({"deadline_s": "3"}, "got '3'"),
        ({"deadline_s": True}, "got True"),
        ({"deadline_s": float("nan")}, "got nan"),
        ({"timeout": 3}, "'timeout' is a name that Triton keeps for itself"),
        ({"triton_x": 3}, "Triton keeps"),
        ({"headers": "a: b"}, "headers must be names and their values, both text, got str"),
        ({"headers": {"a": 1}}, "headers must be names and their values"),
        ({"prompt": ["a"]}, "prompt must be text, a number or true/false"),
        ({"seed": 2**63}, "seed must fit into 64 bits"),
    ],
)
def test_what_cannot_travel_is_refused_before_it_does(given, words):
    with pytest.raises(BadOption) as caught:
        separate(given, Settings())
    assert words in caught.value.message


def test_call_options_and_settings_agree():
    travelling = {"output_format", "output_quality", "metadata", "frame", "truncated"}
    assert set(CallOptions.__annotations__) - travelling == set(Settings.__dataclass_fields__)


def test_a_call_overrides_the_clients_defaults():
    settings, _ = separate({"deadline_s": 2}, Settings(deadline_s=9, lane="bulk"))
    assert (settings.deadline_s, settings.lane) == (2, "bulk")


def test_next_ids_differ():
    assert next_request_id("a", 1) == "a.2"


class Recorder(Tasks):
    def run(self, task, image, **options):
        return task, image, {name: value for name, value in options.items() if value is not None}

    def quote(self, task, image, **options):
        raise NotImplementedError


def test_tasks_name_their_models_and_defaults():
    tasks = Recorder()
    assert tasks.super_resolution("i") == ("super_resolution", "i", {"scale": 4})
    assert tasks.denoise("i", lane="bulk") == ("denoise", "i", {"strength": "auto", "lane": "bulk"})
    assert tasks.face_enhance("i", fidelity=0.5) == ("face_enhance", "i", {"fidelity": 0.5})
    assert tasks.image_to_image("i", prompt="p", seed=0) == ("image_to_image", "i", {"prompt": "p", "seed": 0})
