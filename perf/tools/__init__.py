"""Load generators that others wrote, in an environment of their own: NVIDIA's perf_analyzer, and locust."""

import os
from pathlib import Path

HOME = Path(__file__).parents[2] / ".cache" / "perf-tools"
LIBRARIES = HOME / "lib" / "plain"
"""Symlinks of the plain names of libraries that the nvidia-pytriton wheel carries under hashed ones."""


def tool(name: str) -> Path:
    """Absolute path of perf_analyzer, locust or python. Raises SystemExit where `make perf-tools` has not been run."""
    path = HOME / "bin" / name
    if not path.exists():
        raise SystemExit(f"{path} is missing; `make perf-tools` installs it.")
    return path


def environment() -> dict[str, str]:
    """What perf_analyzer needs to find its libraries."""
    paths = [str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH", "")]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(path for path in paths if path)}
