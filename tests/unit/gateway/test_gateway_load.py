"""What the gateway tells of a task's load, when several versions of it are served and one has died."""

from darkroom_client.jobs import Engine
from darkroom_gateway.health import load_of


def test_a_task_s_load_is_that_of_its_living_versions():
    engines = [
        Engine("denoise", "1", "a", jobs_waiting=1, jobs_running=2, backlog_s=1.25),
        Engine("denoise", "2", "b", jobs_waiting=3, jobs_running=4, backlog_s=0.5),
        Engine("denoise", "2", "c", alive=False, jobs_waiting=100, jobs_running=100, backlog_s=100.0),
        Engine("super_resolution", "1", "d", jobs_running=1, backlog_s=2.0),
        Engine("face_enhance", "1", "e", alive=False, jobs_waiting=5),
    ]
    assert load_of(engines) == {
        "denoise": {"waiting": 4, "running": 6, "backlog_s": 1.75},
        "super_resolution": {"waiting": 0, "running": 1, "backlog_s": 2.0},
    }
