"""An environment of its own for every peer, since their requirements exclude each other's and ours."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


def peers() -> list[str]:
    """Names of the peers there are."""
    return sorted(path.parent.name for path in HERE.glob("*/requirements.lock"))


def interpreter(peer: str) -> Path:
    """The Python of the peer's environment under .cache/peers, made or renewed when its pins have changed.
    Raises CalledProcessError."""
    folder = ROOT / ".cache/peers" / peer
    python = folder / "bin/python"
    pins = HERE / peer / "requirements.lock"
    stamp = folder / ".installed"
    if stamp.is_file() and stamp.read_text() == pins.read_text():
        return python
    print(f"{peer}: installing {folder.relative_to(ROOT)}", flush=True)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(pins)], check=True)
    subprocess.run([str(python), "-m", "pip", "check", "--disable-pip-version-check"], check=True)
    stamp.write_text(pins.read_text())
    return python


def environment(folder: Path) -> dict[str, str]:
    """Variables for a peer's processes: our package from the working tree, no telemetry, its files in `folder`."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DARKROOM_RUNTIME_DIR": str(folder),
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
    }
