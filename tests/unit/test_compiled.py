"""Compiled networks are kept: found again by the same name only, and never used when they are damaged."""

import io
from pathlib import Path
from typing import Any

import pytest

from darkroom import compiled
from darkroom.compiled import CompiledCache, cache_folder


class Compiled:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def export_model(self) -> io.BytesIO:
        return io.BytesIO(self.content)


class Core:
    """An OpenVINO that remembers what it was asked for."""

    def __init__(self, processor: str = "a processor") -> None:
        self.processor = processor
        self.compiled = self.imported = 0

    def get_versions(self, device: str) -> Any:
        return {device: type("Version", (), {"build_number": "2026.4"})}

    def get_property(self, device: str, name: str) -> Any:
        return self.processor

    def read_model(self, path: Path) -> Path:
        return path

    def compile_model(self, model: Path, device: str, settings: dict[str, Any]) -> Compiled:
        self.compiled += 1
        return Compiled(model.read_bytes())

    def import_model(self, tensor: Any, device: str, settings: dict[str, Any]) -> Compiled:
        self.imported += 1
        return Compiled(tensor.data.tobytes())


@pytest.fixture(autouse=True)
def everything_is_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "WORTH_S", 0.0)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "network.onnx"
    path.write_bytes(b"weights" * 100)
    return path


def test_what_was_compiled_is_read_back(tmp_path: Path, network: Path) -> None:
    core, kept = Core(), CompiledCache(tmp_path / "kept", "sha")
    first = kept.compile(core, network, {"NUM_STREAMS": 1})
    second = CompiledCache(tmp_path / "kept", "sha").compile(core, network, {"NUM_STREAMS": 1})
    assert (core.compiled, core.imported) == (1, 1)
    assert first.content == second.content == network.read_bytes()


def test_another_network_setting_or_processor_is_compiled_anew(tmp_path: Path, network: Path) -> None:
    folder = tmp_path / "kept"
    CompiledCache(folder, "sha").compile(Core(), network, {"NUM_STREAMS": 1})
    for core, made_of, streams in ((Core(), "other", 1), (Core(), "sha", 2), (Core("another"), "sha", 1)):
        CompiledCache(folder, made_of).compile(core, network, {"NUM_STREAMS": streams})
        assert (core.compiled, core.imported) == (1, 0)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:50] + b"?" + data[51:]])
def test_a_damaged_file_is_compiled_anew_and_replaced(tmp_path: Path, network: Path, damage: Any) -> None:
    core, kept = Core(), CompiledCache(tmp_path / "kept", "sha")
    kept.compile(core, network, {})
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert kept.compile(core, network, {}).content == network.read_bytes()
    assert (core.compiled, core.imported) == (2, 0)
    kept.compile(core, network, {})
    assert core.imported == 1


def test_a_folder_that_cannot_be_made_only_costs_the_time(tmp_path: Path, network: Path) -> None:
    core, kept = Core(), CompiledCache(network / "kept", "sha")
    assert kept.compile(core, network, {}).content == network.read_bytes()
    assert kept.compile(core, network, {}).content == network.read_bytes()
    assert core.compiled == 2


def test_a_quick_compilation_is_not_kept(tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "WORTH_S", 60.0)
    CompiledCache(tmp_path / "kept", "sha").compile(Core(), network, {})
    assert not (tmp_path / "kept").exists()


def test_what_was_used_longest_ago_makes_room(tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(network.read_bytes())
    monkeypatch.setattr(compiled, "MOST_BYTES", 2 * size)
    folder = tmp_path / "kept"
    for made_of in ("first", "second", "third"):
        CompiledCache(folder, made_of).compile(Core(), network, {})
    core = Core()
    CompiledCache(folder, "first").compile(core, network, {})
    assert (core.compiled, len(list(folder.iterdir()))) == (1, 2)


def test_the_folder_is_the_named_one_or_the_users() -> None:
    assert cache_folder({"DARKROOM_ENGINE_CACHE": "/var/cache/darkroom"}) == Path("/var/cache/darkroom/openvino")
    assert cache_folder({"XDG_CACHE_HOME": "/caches"}) == Path("/caches/darkroom/openvino")
    assert cache_folder({"HOME": "/home/me"}) == Path("/home/me/.cache/darkroom/openvino")
