"""The runtime directory: private, found by later starts, swept only when its server is gone."""

import fcntl
import stat
from pathlib import Path

import pytest

from darkroom.server import ServerError
from darkroom.server.runtime import RuntimeDirectory, read_admin_key, sweep


def abandon(base: Path) -> Path:
    """The directory of a server that was killed: the kernel gave up its lock."""
    runtime = RuntimeDirectory(base)
    fcntl.flock(runtime._lock, fcntl.LOCK_UN)
    return runtime.path


def test_it_is_private_and_has_its_parts(tmp_path: Path) -> None:
    runtime = RuntimeDirectory(tmp_path)
    assert stat.S_IMODE(runtime.path.stat().st_mode) == 0o700
    assert (runtime.path / "jobs").is_dir()
    assert (runtime.path / "engines").is_dir()
    assert (runtime.path / "device.lock").is_file()
    runtime.remove()
    assert not list(tmp_path.iterdir())


def test_the_next_start_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    left = abandon(tmp_path)
    runtime = RuntimeDirectory(tmp_path)
    assert not left.exists()
    runtime.remove()


def test_a_running_server_and_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    running = RuntimeDirectory(tmp_path)
    others = [tmp_path / "darkroom-notes", tmp_path / "darkroom-0123456789ab"]
    for other in others:
        other.mkdir()
    sweep(tmp_path)
    assert running.path.is_dir()
    assert all(other.is_dir() for other in others)
    running.remove()


def test_only_our_own_shared_memory_regions_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shm"
    shared.mkdir()
    monkeypatch.setattr("darkroom.server.runtime._SHARED_MEMORY", shared)
    runtime = RuntimeDirectory(shared)
    ours, theirs = shared / f"{runtime.region_prefix}1", shared / "triton_python_backend_shm_region_1"
    for region in (ours, theirs):
        region.touch()
    runtime.remove()
    assert list(shared.iterdir()) == [theirs]


def test_a_random_admin_key_lies_in_a_private_file(tmp_path: Path) -> None:
    runtime = RuntimeDirectory(tmp_path)
    key, place = runtime.admin_key(None)
    assert place == runtime.path / "admin.key"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert read_admin_key(place) == key
    assert len(key) >= 32
    runtime.remove()


@pytest.mark.parametrize("content", ["", "short", "with a space in it", "comma,separated-key", "k" * 300])
def test_an_unusable_admin_key_is_refused_without_being_shown(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    with pytest.raises(ServerError, match=rf"16 to 256 .* it has {len(content)} characters") as refused:
        read_admin_key(file)
    assert not content or content not in str(refused.value).replace(str(file), "")


def test_an_admin_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="cannot be read: No such file"):
        read_admin_key(tmp_path / "nowhere")
