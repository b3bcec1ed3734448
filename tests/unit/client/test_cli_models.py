"""`darkroom models` without a server: arguments, words, exit codes."""

import json

import pytest
from darkroom_client import BadOption, Change, LoadFailed, ModelVersions, NotAllowed
from darkroom_client.cli import app as app_module
from darkroom_client.cli import models as models_module
from typer.testing import CliRunner

BEFORE = ModelVersions("denoise", served=(2,), published=(1, 2))
AFTER = ModelVersions("denoise", served=(1,), published=(1, 2), pinned=True)


class FakeModels:
    def __init__(self):
        self.asked, self.error = [], None

    def overview(self):
        self._tell("overview")
        return [AFTER, ModelVersions("[red]", (), (3,), state="UNAVAILABLE", reason="no weights.")]

    def __getattr__(self, action):
        return lambda *names, **options: self._tell(action, *names, **options)

    def _tell(self, *what, **options):
        self.asked.append((*what, options))
        if self.error:
            raise self.error
        return Change(BEFORE, AFTER)


@pytest.fixture
def models(monkeypatch):
    fake = FakeModels()

    class Client:
        models = fake

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(models_module, "connect", lambda *_: Client())
    return fake


def call(*arguments, code=0):
    result = CliRunner().invoke(app_module.app, ["models", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("load", "denoise"), ("load", "denoise", {"force": False})),
        (("load", "denoise", "1", "2", "--force"), ("load", "denoise", 1, 2, {"force": True})),
        (("unload", "denoise"), ("unload", "denoise", {})),
        (("rollback", "denoise"), ("rollback", "denoise", {"force": False})),
        (("pin", "denoise", "1"), ("pin", "denoise", 1, {"force": False})),
        (("unpin", "denoise"), ("unpin", "denoise", {"force": False})),
    ],
)
def test_a_change_is_told(models, arguments, asked):
    said = call(*arguments).stdout
    assert models.asked == [asked]
    assert said == "denoise: version 1 served, pinned (before: 2). Note: version 2 is newer and hidden by the pin.\n"


def test_the_list(models):
    shown = call().stdout
    assert "1 (pinned)" in shown
    assert "version 2 is newer and hidden by the pin" in shown
    assert "[red]" in shown
    assert "no weights." in shown
    assert json.loads(call("--json").stdout)[0]["newer"] == 2


@pytest.mark.parametrize("error", [LoadFailed("No."), NotAllowed("No.")])
def test_a_change_that_failed(models, error):
    models.error = error
    assert "darkroom: No." in call("load", "denoise", code=1).stderr


def test_what_is_not_there_is_wrong_usage(models):
    models.error = BadOption("No.")
    call("pin", "denoise", "9", code=2)


@pytest.mark.parametrize("arguments", [("pin", "denoise"), ("pin", "denoise", "0"), ("load",), ("explode", "denoise")])
def test_wrong_usage(models, arguments):
    call(*arguments, code=2)
    assert models.asked == []


def test_options_before_the_command_would_be_lost(models):
    assert "stand behind the command" in call("--url", "elsewhere:1", "load", "denoise", code=2).stderr
    assert models.asked == []
