"""The command line without a server: arguments, output, exit codes."""

import io
import json
import re
from pathlib import Path

import pytest
from darkroom_client import Busy, DeadlinePassed, Engine, Health, JobState, Model, Quote, Result, Totals, Unreachable
from darkroom_client.cli import app as app_module
from darkroom_client.cli import process, server_commands, top
from darkroom_client.cli.task_commands import set_options
from darkroom_client.results import Report
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

RUNNER = CliRunner()


class FakeClient:
    """Both clients at once: the batch's methods are coroutines, the others not."""

    url = "grpc://fake"

    def __init__(self, error=None):
        self.error, self.ran, self.quoted = error, [], []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    async def ready(self):
        return True

    async def run(self, task, source, **given):
        self.ran.append((task, Path(source).name, given))
        if self.error:
            raise self.error
        return Result(b"picture", Report(task=task, network="net", raw={"task": task}), "id")

    def _or_error(self, value):
        if self.error:
            raise self.error
        return value

    def models(self):
        return self._or_error([Model("denoise", "1", "READY"), Model("odd[red]", "2", "UNAVAILABLE", "no weights")])

    def model(self, name, version):
        return {
            "metadata": {
                "name": name,
                "versions": ["1"],
                "inputs": [{"name": "image", "datatype": "UINT8", "shape": ["-1"]}],
            },
            "config": {"max_batch_size": 8},
        }

    def health(self, models, deadline_s):
        return [Health("denoise", True, 0.1), Health("super_resolution", False, 1.0, "Stub process is not healthy.")]

    def cancel(self, job_id):
        return job_id == "there"

    def quote(self, task, file, **options):
        self.quoted.append((task, file, options))
        return Quote(2, 1.5, 3.25, {"units": 2})

    def totals(self):
        return self._or_error(Totals((Engine("denoise", "1", "x", jobs_waiting=2, batch_fill=0.5),), 1.0))

    def jobs(self):
        return [JobState("job-1", "running", "denoise", "bulk", 3, 6, 2.5)]


@pytest.fixture
def client(monkeypatch):
    fake = FakeClient()
    for module in (server_commands, top):
        monkeypatch.setattr(module, "connect", lambda *_: fake)
    monkeypatch.setattr(process, "connect_async", lambda *_: fake)
    return fake


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("a.jpg")
    Image.new("RGB", (8, 8)).save("b.png")
    return tmp_path


def call(*arguments, code=0):
    result = RUNNER.invoke(app_module.app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_one_picture(client, photo):
    result = call("super-resolution", "a.jpg", "-o", "out.png", "--scale", "2")
    assert "out.png" in result.output
    assert Path("out.png").read_bytes() == b"picture"
    task, name, given = client.ran[0]
    assert (task, name, given["scale"], given["lane"], given["output_format"]) == (
        "super_resolution",
        "a.jpg",
        2,
        "interactive",
        "png",
    )
    assert given["deadline_s"] == 600
    assert "network" not in given


def test_several_pictures_are_bulk(client, photo):
    call("denoise", "a.jpg", "b.png", "-o", "out", "--strength", "12.5", "--quality", "80")
    assert {given["lane"] for _, _, given in client.ran} == {"bulk"}
    assert {given["strength"] for _, _, given in client.ran} == {12.5}
    assert {given["output_quality"] for _, _, given in client.ran} == {80}


def test_json_is_one_object_a_line(client, photo):
    lines = [json.loads(line) for line in call("denoise", "a.jpg", "b.png", "-o", "out", "--json").stdout.splitlines()]
    assert [line["status"] for line in lines[:-1]] == ["done", "done"]
    assert lines[0]["report"] == {"task": "denoise"}
    assert lines[-1]["summary"]["done"] == 2


def test_failures_are_listed_with_the_code_of_their_kind(client, photo):
    client.error = Busy("Come back later.", retry_after_s=3)
    result = call("denoise", "a.jpg", "b.png", "-o", "out", code=4)
    assert result.stderr.count("Come back later.") == 2
    assert "0 done, 2 failed of 2" in result.stderr


def test_quiet_is_quiet(client, photo):
    assert call("denoise", "a.jpg", "-o", "x.png", "-q").output == ""


def test_every_task_and_custom_ones(client, photo):
    call("face-enhance", "a.jpg", "-o", "x.png", "--fidelity", "0.5")
    call("image-to-image", "a.jpg", "-o", "x.png", "--prompt", "a fox", "--steps", "4", "--seed", "7")
    call("run", "a.jpg", "-o", "x.png", "--task", "mine", "--set", "amount=3", "--set", "name=fox", "--set", "on=true")
    (_, _, face), (_, _, image), (task, _, mine) = client.ran
    assert face["fidelity"] == 0.5
    assert (image["prompt"], image["steps"], image["seed"]) == ("a fox", 4, 7)
    assert (task, mine["amount"], mine["name"], mine["on"]) == ("mine", 3, "fox", True)


@pytest.mark.parametrize(
    ("written", "name"), [("jpg", "jpeg"), ("JPG", "jpeg"), ("image/jpeg", "jpeg"), ("tif", "tiff"), ("AVIF", "avif")]
)
def test_formats_have_aliases(client, photo, written, name):
    call("denoise", "a.jpg", "-o", "out", "--format", written)
    assert client.ran[0][2]["output_format"] == name


def test_options_of_files_and_depth(client, photo):
    shared = ("--metadata", "no_location", "--frame", "2", "--truncated", "accept")
    call("super-resolution", "a.jpg", "-o", "x.png", "--depth", "16", *shared)
    call("denoise", "a.jpg", "-o", "x.png", "--depth", "same")
    call("face-enhance", "a.jpg", "-o", "x.png", "--background", "keep")
    (_, _, large), (_, _, clean), (_, _, face) = client.ran
    assert (large["output_depth"], clean["output_depth"], face["background"]) == (16, "same", "keep")
    assert (large["metadata"], large["frame"], large["truncated"]) == ("no_location", 2, "accept")
    assert {"metadata", "frame", "truncated"}.isdisjoint(clean)
    assert "output_depth" not in face


def test_a_deadline_that_would_do_is_named_as_an_argument(client, photo):
    client.error = DeadlinePassed("This job needs about 50 s.", deadline_s=58.0)
    result = call("denoise", "a.jpg", "-o", "x.png", code=4)
    assert "This job needs about 50 s. Allow it with --deadline 58." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("denoise", "a.jpg", "b.png"),
        ("denoise", "a.jpg", "-o", "x.png", "--format", "gif"),
        ("denoise", "a.jpg", "-o", "x.png", "--metadata", "some"),
        ("denoise", "a.jpg", "-o", "x.png", "--depth", "12"),
        ("denoise", "a.jpg", "-o", "x.gif"),
        ("denoise", "a.jpg", "-o", "x.png", "--jobs", "0"),
        ("denoise",),
        ("run", "a.jpg", "-o", "x.png", "--task", "t", "--set", "novalue"),
        ("image-to-image", "a.jpg", "-o", "x.png"),
        ("nonsense",),
    ],
)
def test_wrong_usage(client, photo, arguments):
    call(*arguments, code=2)
    assert client.ran == []


def test_no_server(photo):
    result = call("denoise", "a.jpg", "-o", "x.png", "--url", "127.0.0.1:1", code=3)
    assert "There is no connection to grpc://127.0.0.1:1" in result.stderr
    result = call("ls", "--url", "http://127.0.0.1:1", code=3)
    assert "There is no connection to http://127.0.0.1:1: Connection refused" in result.stderr


def test_a_wrong_address_is_wrong_usage(photo):
    assert "must start with" in call("ls", "--url", "ftp://x", code=2).stderr


def test_ls_and_info(client):
    listed = call("ls").stdout
    assert "odd[red]" in listed
    assert "no weights" in listed
    assert json.loads(call("ls", "--json").stdout)[0] == {
        "name": "denoise",
        "version": "1",
        "state": "READY",
        "reason": "",
    }
    assert "image UINT8 [-1]" in call("info", "denoise").stdout


def test_health_fails_when_a_model_does(client):
    result = call("health", code=1)
    assert "FAILED" in result.stdout
    assert "not healthy" in result.stdout


def test_cancel_and_quote(client):
    call("cancel", "there")
    call("cancel", "elsewhere", code=1)
    assert (
        "2 units, 1.50 s of work, done in 3.25 s."
        in call("quote", "super-resolution", "a.jpg", "--set", "scale=2").stdout
    )
    assert client.quoted == [("super_resolution", "a.jpg", {"scale": 2})]


def test_top(client):
    shown = call("top", "--once").stdout
    assert "denoise" in shown
    assert "3/6" in shown
    assert json.loads(call("top", "--json").stdout)["retry_after_s"] == 1.0
    client.error = Unreachable("Gone.")
    call("top", code=3)


def test_top_fits_a_narrow_terminal_and_many_jobs():
    jobs = [JobState(f"[b]{n}", "running", "super_resolution", "bulk", n, 100, 1.0) for n in range(50)]
    totals = Totals((Engine("super_resolution", "1", "x"),), None)
    console = Console(width=80, file=io.StringIO())
    console.print(top.screen(totals, jobs, url="grpc://x"))
    text = console.file.getvalue()
    assert "and 20 more" in text
    assert "[b]1" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        (Engine("denoise", "1", "x", up_s=59.9), "59 s"),
        (Engine("denoise", "1", "x", up_s=7300.0), "2 h"),
        (Engine("denoise", "1", "x", alive=False, up_s=9.0, jobs_running=3), "dead"),
    ],
)
def test_top_tells_how_long_an_engine_has_been_there(engine, told):
    console = Console(width=80, file=io.StringIO())
    console.print(top.screen(Totals((engine,), None), None, url="grpc://x"))
    assert f"1    {told}" in re.sub(r" {2,}", "    ", console.file.getvalue())
    assert "0 running" in console.file.getvalue()


def test_help_tells_the_exit_codes():
    assert "Exit codes" in call("--help").stdout
    assert call("--version").stdout.strip()


def test_set_options():
    assert set_options(["a=1", "b-c=x=y", 'd="1"', "e=[1]"]) == {"a": 1, "b_c": "x=y", "d": "1", "e": "[1]"}
