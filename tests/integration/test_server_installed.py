"""A Triton that is installed as NVIDIA's images have it: one folder with `bin`, `lib` and `backends`."""

from pathlib import Path

import pytest
from echo_model import echo

from darkroom.server import Server, ServerError
from darkroom.server.distribution import find_distribution

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def test_an_installed_triton_serves(scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = find_distribution()
    root = tmp_path / "tritonserver"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "tritonserver").symlink_to(wheel.binary)
    (root / "lib").symlink_to(wheel.libraries[0])
    wheel.link_backends(root / "backends")
    monkeypatch.setenv("DARKROOM_TRITON", str(root))
    with Server(scratch, config_name="cpu") as server:
        assert Path(f"/proc/{server.pid}/cmdline").read_text().startswith(f"{root}/bin/tritonserver\0")
        assert echo(server)["pid"]


def test_a_folder_without_triton_is_named(scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_TRITON", str(tmp_path))
    with pytest.raises(ServerError, match=r"^There is no .*/bin/tritonserver; DARKROOM_TRITON must name a folder"):
        Server(scratch)
