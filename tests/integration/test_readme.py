"""The README: every command in it runs, every Python block runs, every measurement it names exists."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gateway_process import gateway

from darkroom.server import Server
from perf.load import photo
from perf.versions import copy_repository

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def chapter(title: str) -> str:
    """The text below a heading, up to the next one."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str = README) -> list[str]:
    joined = "\n".join(blocks("bash", text)).replace("\\\n", " ")
    return [line.split("  #")[0].strip() for line in joined.splitlines() if line.strip()]


MAKE = [command for command in commands() if command.startswith("make")]
UPDATES = commands(chapter("Update a model"))
ASKS_A_SERVER = [
    command for command in commands() if command.startswith(("curl", "darkroom")) and command not in UPDATES
]
MEASURED = (ROOT / "docs/measured.md").read_text()
MEASUREMENTS = sorted(set(re.findall(r"python -m (perf\.\w+)", README + MEASURED)))


@dataclass(frozen=True)
class Served:
    """All models of the repository and a gateway, as `make serve` starts them."""

    triton: Server
    gateway: str

    def here(self, text: str) -> str:
        """The README's addresses, as they are in this test."""
        addresses = {
            "127.0.0.1:8080": self.gateway.removeprefix("http://"),
            "127.0.0.1:8000": self.triton.http_url,
            "127.0.0.1:8001": self.triton.grpc_url,
        }
        for written, real in addresses.items():
            text = text.replace(written, real)
        return text


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Server(config_name="cpu") as triton, gateway(triton.grpc_url) as url:
        yield Served(triton, url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photo.jpg", "noisy.jpg"):
        (tmp_path / name).write_bytes(photo(96, 96))
    return tmp_path


def test_every_command_is_of_a_kind_that_is_tested() -> None:
    assert set(commands()) == {*MAKE, *ASKS_A_SERVER, *UPDATES}
    assert len(ASKS_A_SERVER) > 5


@pytest.mark.parametrize("command", MAKE)
def test_make_knows_the_target(command: str) -> None:
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("command", ASKS_A_SERVER)
def test_a_command_does_what_it_says(command: str, served: Served, folder: Path) -> None:
    environment = os.environ | {
        "DARKROOM_URL": served.triton.grpc_url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", served.here(command)],
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


def test_a_model_is_updated_as_the_chapter_says(folder: Path) -> None:
    repository = copy_repository(folder / "repository", ["denoise"])
    assert len(UPDATES) == 8
    with Server(repository, config_name="cpu") as server:
        environment = os.environ | {
            "DARKROOM_URL": server.grpc_url,
            "DARKROOM_ADMIN_KEY_FILE": str(server.admin_key_path),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
        }
        said = []
        for command in UPDATES:
            if command.startswith("python -m export"):
                command += f" --repository {repository}"
            done = subprocess.run(
                shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True, timeout=600
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
    published, _, side_by_side, compared, newest, back, listed, unpinned = said
    assert "Published denoise version 2" in published
    assert (folder / "out/diff/index.html").stat().st_size > 1000
    assert "versions 1, 2 served" in side_by_side
    assert "second.png" in compared
    assert "version 2 served (before: 1, 2)" in newest
    assert "version 1 served, pinned (before: 2). Note: version 2 is newer and hidden by the pin." in back
    assert "1 (pinned)" in listed
    assert "version 2 served (before: 1)" in unpinned


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_block_runs(code: str, served: Served, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(served.here(code), "README.md", "exec"), {})
    assert (folder / "large.png").stat().st_size > 1000


@pytest.mark.parametrize("module", MEASUREMENTS)
def test_a_measurement_is_there(module: str) -> None:
    subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, check=True, capture_output=True)


def test_the_files_it_links_to_are_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / link).exists(), link
