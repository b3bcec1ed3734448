"""`python -m export denoise --publish` as an operator types it: real weights, the whole gate, a server at its end."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import photo_file, pixels_of
from wire import Call, grpc

from darkroom.server import Server, ServerError

TIMEOUT_S = 300
"""For one command on a busy machine."""
STEPS = ("schema", "ports", "parity", "quality", "canary")


def command(repository: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "export", "denoise", "--publish", "--repository", str(repository), *arguments]


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(repository, *arguments), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.fixture(scope="module")
def models(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of our own with version 1 of denoise, and version 2 of other tunables, published by the command."""
    folder = tmp_path_factory.mktemp("models")
    left_out = shutil.ignore_patterns("[2-9]*", "__pycache__", ".*")
    shutil.copytree(repository / "denoise", folder / "denoise", ignore=left_out)
    done = run(folder, "--set", "engine.max_batch=16", "--note", "smaller batches")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[1].strip() for line in lines if "gate, " in line] == [f"gate, {step}" for step in STEPS]
    assert lines[-1].startswith("Published denoise version 2 in ")
    assert lines[-1].endswith("Serve it: darkroom models load denoise")
    return folder


def copied(models: Path, folder: Path) -> Path:
    """The same repository, to be damaged."""
    return Path(shutil.copytree(models, folder / "models"))


def test_the_version_tells_what_made_it(models: Path) -> None:
    told = json.loads((models / "denoise" / "2" / "publication.json").read_text())
    assert (told["version"], told["base_version"], told["note"]) == ("2", "1", "smaller batches")
    quality = told["gate"]["quality"]["groups"]["noise 25, strength=25"]
    assert quality["psnr_db"] == pytest.approx(30.2, abs=0.3)
    assert told["gate"]["canary"]["size"] == [256, 256]
    assert told["gate"]["canary"]["report"]["version"] == "2"
    assert set(told["gate"]) == set(STEPS)


def test_it_is_served_and_its_bytecode_counts_as_no_change(models: Path) -> None:
    compiled = next((models / "denoise" / "2" / "__pycache__").glob("model.*.pyc"))
    written = compiled.stat().st_mtime_ns
    with Server(models, models=["denoise"], config_name="cpu") as server:
        answer = grpc(server, Call(photo_file(96, 64), "denoise", options={"deadline_s": 600.0}))
    assert answer.report["version"] == "2"
    assert pixels_of(answer.image).shape == (64, 96, 3)
    assert compiled.stat().st_mtime_ns == written


@pytest.mark.parametrize("moment", ["the same as", "gate, quality", "gate, canary"])
def test_kill_9_leaves_no_half_version(models: Path, moment: str) -> None:
    """Killed right after it said so, so in the middle of what comes next."""
    with subprocess.Popen(
        command(models, "--set", "engine.max_batch=8"), stdout=subprocess.PIPE, text=True, env=_unbuffered()
    ) as process:
        assert process.stdout is not None
        assert any(moment in line for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    versions = sorted(path.name for path in (models / "denoise").iterdir() if path.name.isdecimal())
    assert versions in (["1", "2"], ["1", "2", "3"])
    if "3" in versions:
        third, second = ({path.name for path in (models / "denoise" / number).rglob("*")} for number in ("3", "2"))
        assert third == second
        shutil.rmtree(models / "denoise" / "3")


def test_a_version_that_no_server_loads_is_refused_by_the_canary(models: Path, tmp_path: Path) -> None:
    mine = copied(models, tmp_path)
    model = mine / "denoise" / "2" / "model.py"
    model.write_text(model.read_text() + "\nraise RuntimeError('written in haste')\n")
    done = run(mine, "--set", "engine.max_batch=8")
    assert done.returncode == 1
    assert "The gate refuses version 3 (canary): The server does not start with it: " in done.stderr
    assert "written in haste" in done.stderr
    assert not (mine / "denoise" / "3").exists()


def test_a_truncated_network_is_named_with_the_command_that_mends_it(models: Path, tmp_path: Path) -> None:
    mine = copied(models, tmp_path)
    network = mine / "denoise" / "2" / "ffdnet_color.onnx"
    network.write_bytes(network.read_bytes()[:100_000])
    with pytest.raises(ServerError) as failure, Server(mine, models=["denoise"], config_name="cpu"):
        pass
    assert f"{network} is not the file that was exported" in str(failure.value)
    assert "`python -m export denoise --publish` makes a new version" in str(failure.value)

    done = run(mine)
    assert done.returncode == 0, done.stderr
    assert (mine / "denoise" / "3" / "publication.json").is_file()
    assert [path.name for path in mine.iterdir()] == ["denoise"], "what the killed ones left is swept"


def _unbuffered() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
