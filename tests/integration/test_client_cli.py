"""The command `darkroom` against a real server with a simulated device."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from darkroom_client import Darkroom
from PIL import Image

from darkroom.server import Server

RNG = np.random.default_rng(9)
DARKROOM = [sys.executable, "-c", "from darkroom_client.cli import main; main()"]


@pytest.fixture(scope="module")
def slow_server() -> Iterator[Server]:
    with Server(models=["super_resolution", "denoise", "jobs"], env={"DARKROOM_SIMULATE": "40,40"}) as server:
        yield server


@pytest.fixture
def environment(slow_server: Server) -> dict[str, str]:
    return {
        **os.environ,
        "DARKROOM_URL": slow_server.grpc_url,
        "DARKROOM_ADMIN_KEY_FILE": str(slow_server.admin_key_path),
        "COLUMNS": "200",
    }


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of 12 pictures, in two folders and three formats, and two posters that take seconds."""
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        folder = tmp_path / "photos" / ("deep" if number % 2 else "")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(0, 256, (40, 40 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.{('jpg', 'png', 'webp')[number % 3]}")
    Image.new("RGB", (1024, 1024)).save(tmp_path / "poster.png")
    Image.new("RGB", (4000, 3000)).save(tmp_path / "wall.png")
    return tmp_path


def darkroom(environment: dict[str, str], *arguments: str, code: int = 0) -> str:
    done = subprocess.run([*DARKROOM, *arguments], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def test_a_folder_is_mirrored_and_resumed(environment: dict[str, str], photos: Path) -> None:
    (photos / "photos/broken.png").write_bytes(b"no picture")
    said = darkroom(environment, "denoise", "photos", "-o", "out", "--strength", "5", code=1)
    assert "12 done, 1 failed of 13" in said
    assert "broken.png: The 10 bytes are not an image" in said
    for source in (photos / "photos").rglob("*[0-9].*"):
        result = photos / "out" / source.relative_to(photos / "photos")
        assert Image.open(result).size == Image.open(source).size
        assert Image.open(result).format == Image.open(source).format
    (photos / "photos/broken.png").unlink()
    assert "12 skipped of 12" in darkroom(environment, "denoise", "photos", "-o", "out", "--strength", "5")
    assert "12 done of 12" in darkroom(environment, "denoise", "photos", "-o", "out", "--strength", "6")


def test_a_batch_that_was_killed_goes_on_without_repeating(environment: dict[str, str], photos: Path) -> None:
    for number in range(40):
        Image.fromarray(RNG.integers(0, 256, (100, 100, 3), dtype=np.uint8)).save(photos / f"photos/more{number}.png")
    command = [*DARKROOM, "denoise", "photos", "-o", "out", "--json", "-j", "2"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        first = [json.loads(killed.stdout.readline()) for _ in range(8)]
        killed.kill()
    lines = [json.loads(line) for line in darkroom(environment, *command[len(DARKROOM) :]).splitlines()]
    again = {line["source"] for line in lines[:-1] if line["status"] == "done"}
    assert not again & {line["source"] for line in first}
    assert lines[-1]["summary"]["done"] + lines[-1]["summary"]["skipped"] == 52


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_makes_the_server_drop_the_job(
    environment: dict[str, str], photos: Path, slow_server: Server, protocol: str, how: signal.Signals
) -> None:
    url = slow_server.grpc_url if protocol == "grpc" else f"http://{slow_server.http_url}"
    command = [*DARKROOM, "super-resolution", "poster.png", "-o", "large.png", "--url", url]
    with Darkroom(slow_server.grpc_url, admin_key=slow_server.admin_key) as client:
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as interrupted:
            assert _eventually(lambda: any(job.state == "running" for job in client.jobs()))
            interrupted.send_signal(how)
            assert _eventually(lambda: not client.jobs(), within_s=15)
            assert interrupted.stderr is not None
            assert "cancelled on the server" in interrupted.stderr.read()
        assert interrupted.returncode == 130
    assert not Path("large.png").exists()


def test_a_reader_that_leaves_ends_the_batch_quietly(environment: dict[str, str], photos: Path) -> None:
    command = [*DARKROOM, "denoise", "photos", "-o", "out", "--json", "-j", "1"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["status"] == "done"
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 130


def test_bars_on_a_terminal(environment: dict[str, str], photos: Path) -> None:
    leader, follower = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(leader, shown), daemon=True)
    command = [*DARKROOM, "super-resolution", "poster.png", "-o", "large.png", "--scale", "2"]
    with subprocess.Popen(command, env=environment, stdout=follower, stderr=follower) as process:
        os.close(follower)
        reader.start()
        assert process.wait(60) == 0
    reader.join(5)
    text = b"".join(shown).decode()
    assert "pictures" in text
    assert "poster.png" in text
    assert "large.png" in text


def test_cancelling_a_job_that_top_shows(environment: dict[str, str], photos: Path, slow_server: Server) -> None:
    command = [*DARKROOM, "super-resolution", "wall.png", "-o", "large.png", "--scale", "2", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        with Darkroom(slow_server.grpc_url, admin_key=slow_server.admin_key) as client:
            assert _eventually(client.jobs, within_s=30)
            (job,) = client.jobs()
        assert job.id[:12] in darkroom(environment, "top", "--once")
        assert "Cancelled." in darkroom(environment, "cancel", job.id)
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
    assert line["status"] == "failed"
    assert "cancelled" in line["error"]
    assert process.returncode == 1


def test_questions_about_the_server(environment: dict[str, str], photos: Path) -> None:
    listed = {model["name"]: model["state"] for model in json.loads(darkroom(environment, "ls", "--json"))}
    assert {name for name, state in listed.items() if state == "READY"} == {"denoise", "jobs", "super_resolution"}
    assert "image UINT8" in darkroom(environment, "info", "denoise")
    assert "ok" in darkroom(environment, "health")
    assert "units" in darkroom(environment, "quote", "super-resolution", "poster.png", "--set", "scale=2")
    assert "scale must be 2 or 4, got 3" in darkroom(
        environment, "super-resolution", "poster.png", "-o", "x.png", "--scale", "3", code=2
    )


def _eventually(holds, within_s: float = 10.0) -> bool:
    ends = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


def _drain(descriptor: int, into: list[bytes]) -> None:
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # the other end was closed
            return
        if not data:
            return
        into.append(data)
