"""docs/clients.md: every example runs, as it stands but for the addresses."""

import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from gateway_process import gateway
from PIL import Image
from playwright._impl._driver import compute_driver_executable

from darkroom.server import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "clients.md"
EXAMPLES = re.findall(r"^```(bash|js)\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
NODE = compute_driver_executable()[0]  # playwright brings its own, so the tests need none installed


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    with gateway(server.grpc_url) as running:
        yield running


def test_both_doors_have_examples_in_both_languages():
    doors = [
        (language, port) for language, code in EXAMPLES for port in ("8000", "8080") if f"127.0.0.1:{port}" in code
    ]
    assert {("bash", "8000"), ("bash", "8080"), ("js", "8000"), ("js", "8080")} <= set(doors)


@pytest.mark.parametrize(("language", "code"), EXAMPLES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(EXAMPLES)])
def test_example(language: str, code: str, url: str, server: Server, tmp_path: Path):
    Image.fromarray(skimage.data.astronaut()).resize((96, 96)).save(tmp_path / "photo.jpg")
    code = code.replace("127.0.0.1:8000", server.http_url).replace("http://127.0.0.1:8080", url)
    if language == "bash":
        command = ["bash", "-euo", "pipefail", "-c", code]
    else:
        (tmp_path / "example.mjs").write_text(code, encoding="utf-8")
        command = [str(NODE), "example.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    assert done.returncode == 0, said
    for name in re.findall(r"""(?:-o |> |writeFile\(")([a-z]+\.(?:jpg|png|webp|avif|tif))""", code):
        with Image.open(io.BytesIO((tmp_path / name).read_bytes())) as picture:
            picture.load()
    if "Scale: 3" in code or "scale: 3" in code:
        assert "scale must be 2 or 4, got 3." in said
        assert "bad_option" in said
