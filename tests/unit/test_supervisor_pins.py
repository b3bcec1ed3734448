"""Pins: what is kept, what is applied, and what an operator is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from darkroom.server.pins import FILE, Pins, override, pinned_versions, state_dir

LATEST: dict[str, Any] = {"name": "denoise", "version_policy": {"latest": {"num_versions": 1}}, "max_batch_size": 8}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`denoise` in versions 1, 2 and 3."""
    for version in "123":
        (tmp_path / "repository" / "denoise" / version).mkdir(parents=True)
    (tmp_path / "repository" / "denoise" / "config.pbtxt").write_text('name: "denoise"\n')
    return tmp_path / "repository"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def unasked() -> dict[str, Any]:
    raise AssertionError("the configuration in force was not needed")


def test_a_pin_is_kept_for_the_next_start(repository: Path, state: Path) -> None:
    Pins(state, repository, "cpu").observe("denoise", override(LATEST, (2,)))
    pins = Pins(state, repository, "cpu")
    assert pins.to_load("denoise", unasked) == {**LATEST, "version_policy": {"specific": {"versions": [2]}}}
    assert pins.remarks("denoise") == "denoise: pinned to version 2; version 3 is newer and is not served."
    assert pins.to_load("other", unasked) is None
    assert pins.remarks("other") is None


def test_back_to_the_newest_ends_it(repository: Path, state: Path) -> None:
    pins = Pins(state, repository, "cpu")
    pins.observe("denoise", override(LATEST, (2,)))
    pins.observe("denoise", LATEST)
    assert json.loads((state / FILE).read_text()) == {}
    assert Pins(state, repository, "cpu").usable("denoise") is None


def test_nothing_is_written_where_nothing_is_pinned(repository: Path, state: Path) -> None:
    Pins(state, repository, "cpu").observe("denoise", LATEST)
    assert not state.exists()


def test_what_the_file_itself_says_is_no_pin(repository: Path, state: Path) -> None:
    text = 'name: "denoise"\nversion_policy: { specific { versions: [ 1, 2 ] } } # both\n'
    (repository / "denoise" / "config.pbtxt").write_text(text)
    pins = Pins(state, repository, "cpu")
    pins.observe("denoise", override(LATEST, (2, 1)))
    assert not state.exists()
    pins.observe("denoise", override(LATEST, (1,)))
    assert pins.usable("denoise") is not None


def test_a_pin_on_a_version_that_is_gone_serves_the_newest_and_says_so(repository: Path, state: Path) -> None:
    pins = Pins(state, repository, "cpu")
    pins.observe("denoise", override(LATEST, (2,)))
    (repository / "denoise" / "2").rmdir()
    assert pins.usable("denoise") is None
    assert pins.to_load("denoise", unasked) is None
    assert pins.remarks("denoise") == "denoise: pinned to version 2, but 2 is gone; the newest is served."


def test_a_configuration_that_changed_since_is_asked_for_anew(repository: Path, state: Path) -> None:
    pins = Pins(state, repository, "cpu")
    pins.observe("denoise", override(LATEST, (2,)))
    (repository / "denoise" / "config.pbtxt").write_text('name: "denoise"\nmax_batch_size: 16\n')
    assert pins.usable("denoise") is None
    wider = {**LATEST, "max_batch_size": 16}
    assert pins.to_load("denoise", lambda: wider) == override(wider, (2,))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"denoise": 1}', '{"denoise": {"versions": ["x"]}}'])
def test_a_damaged_file_pins_nothing(repository: Path, state: Path, content: str) -> None:
    state.mkdir()
    (state / FILE).write_text(content)
    pins = Pins(state, repository, "cpu")
    assert pins.usable("denoise") is None
    pins.observe("denoise", override(LATEST, (1,)))
    assert Pins(state, repository, "cpu").usable("denoise") is not None


def test_reading_and_writing_a_policy() -> None:
    assert pinned_versions(LATEST) == pinned_versions({}) == ()
    assert pinned_versions(override(LATEST, (3, 1))) == (1, 3)
    assert override(override(LATEST, (3,)), ()) == LATEST


def test_where_the_state_lies(tmp_path: Path) -> None:
    one, two = (state_dir(None, {"XDG_STATE_HOME": "/xdg"}, tmp_path / name) for name in "ab")
    assert one != two
    assert one.parent == two.parent == Path("/xdg/darkroom")
    assert state_dir(None, {"HOME": "/home/me"}, tmp_path).parent == Path("/home/me/.local/state/darkroom")
    assert state_dir(None, {}, tmp_path).parent.name == "darkroom"
    assert state_dir(None, {"DARKROOM_STATE_DIR": "/there"}, tmp_path) == Path("/there")
    assert state_dir("/here", {"DARKROOM_STATE_DIR": "/there"}, tmp_path) == Path("/here")
