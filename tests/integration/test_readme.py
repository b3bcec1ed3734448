"""The README: every command in it runs, every Python block runs, every measurement it names exists."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.server import Server
from perf.load import photo

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    joined = "\n".join(blocks("bash")).replace("\\\n", " ")
    return [line.split("  #")[0].strip() for line in joined.splitlines() if line.strip()]


MAKE = [command for command in commands() if command.startswith("make")]
ASKS_A_SERVER = [command for command in commands() if command.startswith(("curl", "darkroom"))]
MEASUREMENTS = sorted(set(re.findall(r"python -m (perf\.\w+)", README)))


@pytest.fixture(scope="module")
def everything() -> Iterator[Server]:
    """All models of the repository, as `make serve` starts them."""
    with Server(config_name="cpu") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photo.jpg", "noisy.jpg"):
        (tmp_path / name).write_bytes(photo(96, 96))
    return tmp_path


def here(text: str, server: Server) -> str:
    """The README's addresses, as they are in this test."""
    return (
        text.replace("127.0.0.1:8000", server.http_url)
        .replace("127.0.0.1:8001", server.grpc_url)
        .replace("127.0.0.1:8002", server.metrics_url.removeprefix("http://").removesuffix("/metrics"))
    )


def test_every_command_is_of_a_kind_that_is_tested() -> None:
    assert set(commands()) == {*MAKE, *ASKS_A_SERVER}
    assert len(ASKS_A_SERVER) > 5


@pytest.mark.parametrize("command", MAKE)
def test_make_knows_the_target(command: str) -> None:
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("command", ASKS_A_SERVER)
def test_a_command_does_what_it_says(command: str, everything: Server, folder: Path) -> None:
    environment = os.environ | {
        "DARKROOM_URL": everything.grpc_url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", here(command, everything)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = re.search(r"-o (\S+)", command)
    if written:
        assert (folder / written.group(1)).stat().st_size > 1000


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_block_runs(code: str, everything: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(here(code, everything), "README.md", "exec"), {})
    assert (folder / "large.png").stat().st_size > 1000


@pytest.mark.parametrize("module", MEASUREMENTS)
def test_a_measurement_is_there(module: str) -> None:
    subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, check=True, capture_output=True)


def test_the_files_it_links_to_are_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / link).exists(), link
