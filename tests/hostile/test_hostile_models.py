"""Exported networks that are missing or damaged when a model is loaded: a sentence for the operator, and the other
models serve on."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tritonclient.grpc
from tritonclient.utils import InferenceServerException

from darkroom.server import Server
from perf.hostile import Hostile
from perf.hostile.seeds import seeds
from perf.hostile.sending import Sender

GOOD = Hostile("a sound file", seeds()["png"])


@pytest.fixture(scope="module")
def scratch(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks, linked, so that files can be taken away and replaced."""
    copy = tmp_path_factory.mktemp("models")
    ignored = shutil.ignore_patterns("__pycache__", "2", "3")
    for model in ("super_resolution", "denoise", "jobs"):
        shutil.copytree(repository / model, copy / model, copy_function=_link, ignore=ignored)
    tunables = copy / "super_resolution" / "1" / "pipeline.json"
    settings = json.loads(tunables.read_text())
    del settings["networks"]["realesrgan_x4plus"]  # takes long to warm up
    del settings["cpu"]["networks"]
    _replace(tunables, json.dumps(settings).encode())
    return copy


@pytest.fixture(scope="module")
def serving(scratch: Path) -> Iterator[Server]:
    models = ["super_resolution", "jobs"]
    with Server(scratch, models=models, config_name="cpu", exit_timeout_s=1) as running:
        yield running


def _link(source: str, target: str) -> None:
    # the tests replace files, and never write into them: the originals are safe behind the links
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def _missing(version: Path) -> None:
    (version / "ffdnet_color.onnx").unlink()


def _empty(version: Path) -> None:
    _replace(version / "ffdnet_color.onnx", b"")


def _cut(version: Path) -> None:
    _replace(version / "ffdnet_color.onnx", (version / "ffdnet_color.onnx").read_bytes()[:-1000])


def _flipped(version: Path) -> None:
    content = bytearray((version / "ffdnet_color.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    _replace(version / "ffdnet_color.onnx", bytes(content))


def _garbage_with_its_hash(version: Path) -> None:
    garbage = bytes(range(256)) * 100
    _replace(version / "ffdnet_color.onnx", garbage)
    records = json.loads((version / "networks.json").read_text())
    records["ffdnet_color"]["sha256"] = hashlib.sha256(garbage).hexdigest()
    _replace(version / "networks.json", json.dumps(records).encode())


def _no_facts(version: Path) -> None:
    (version / "networks.json").unlink()


def _half_facts(version: Path) -> None:
    _replace(version / "networks.json", (version / "networks.json").read_bytes()[:-20])


@pytest.mark.parametrize(
    ("harm", "file", "words"),
    [
        (_missing, "ffdnet_color.onnx", "is missing"),
        pytest.param(_empty, "ffdnet_color.onnx", "is not the file that was exported", marks=pytest.mark.slow),
        pytest.param(_cut, "ffdnet_color.onnx", "is not the file that was exported", marks=pytest.mark.slow),
        (_flipped, "ffdnet_color.onnx", "is not the file that was exported"),
        (_garbage_with_its_hash, "ffdnet_color.onnx", "cannot be loaded"),
        pytest.param(_no_facts, "networks.json", "is missing", marks=pytest.mark.slow),
        (_half_facts, "networks.json", "is not JSON"),
    ],
)
def test_loading_it_says_what_is_wrong_and_what_to_do(
    serving: Server, scratch: Path, repository: Path, harm: Callable[[Path], None], file: str, words: str
) -> None:
    version = scratch / "denoise" / "1"
    harm(version)
    sender = Sender(serving.http_url, serving.grpc_url)
    client = tritonclient.grpc.InferenceServerClient(serving.grpc_url)
    try:
        with pytest.raises(InferenceServerException) as refused:
            client.load_model("denoise", headers=serving.admin_grpc_headers)
        message = refused.value.message()
        assert str(version / file) in message
        assert words in message
        assert harm is _half_facts or "export" in message
        assert "Traceback" not in message
        assert sender.send("http raw", GOOD).answer == "ok"
        assert not client.is_model_ready("denoise")
    finally:
        for name in ("ffdnet_color.onnx", "networks.json"):
            (version / name).unlink(missing_ok=True)
            _link(str(repository / "denoise" / "1" / name), str(version / name))
        client.close()
        sender.close()


def test_once_mended_it_loads(serving: Server) -> None:
    client = tritonclient.grpc.InferenceServerClient(serving.grpc_url)
    client.load_model("denoise", headers=serving.admin_grpc_headers)
    assert client.is_model_ready("denoise")
    client.close()
