"""Which tritonserver to run: that of NVIDIA's image, or the one the nvidia-pytriton wheel carries; and what it needs
around it to run our models."""

import ctypes.util
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from darkroom.server.errors import ServerError

VARIABLE = "DARKROOM_TRITON"
_IMAGE = Path("/opt/tritonserver")
"""Where NVIDIA's images (nvcr.io/nvidia/tritonserver) have it."""

_FRUGAL_HEAP = {
    "MALLOC_ARENA_MAX": "4",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
    "MALLOC_TRIM_THRESHOLD_": str(2**20),
}
"""glibc's: heaps, and bytes from which a block is a mapping of its own. By default a hundred threads have a heap each,
and the bound rises to 32 MiB with the first large picture: what is freed then stays with the process, in pieces."""


@dataclass(frozen=True)
class Distribution:
    """Where the parts of one tritonserver lie."""

    binary: Path
    libraries: tuple[Path, ...]
    """Folders for LD_LIBRARY_PATH."""
    python_backend: Path
    """Folder with libtriton_python.so and the Python side of it."""
    stub: Path
    """The process that runs a model.py, built for the running Python's version."""

    def link_backends(self, directory: Path) -> Path:
        """Make `directory` a backend directory: Triton wants in one folder what the wheel keeps in two.

        Links, not copies: nothing to keep in step with the wheel, and a tmpfs mounted noexec (Docker's
        /dev/shm) will do, since the files themselves lie elsewhere.
        """
        python = directory / "python"
        python.mkdir(parents=True)
        for file in {*self.python_backend.iterdir(), self.stub}:
            if file.is_file():
                (python / file.name).symlink_to(file)
        return directory

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` with what tritonserver and its stubs need: the libraries, our Python first on PATH, and a heap that
        gives back what it no longer needs (unless `base` says otherwise).

        The stubs run Python isolated: they find the environment by PATH, and ignore every PYTHON* variable.
        """
        return {
            **_FRUGAL_HEAP,
            **base,
            "PATH": _prepend(str(Path(sys.executable).parent), base.get("PATH", os.defpath)),
            "LD_LIBRARY_PATH": _prepend(*map(str, self.libraries), base.get("LD_LIBRARY_PATH", "")),
        }


def find_distribution() -> Distribution:
    """The Triton in the folder that DARKROOM_TRITON names, else the image's, else the wheel's.

    Raises ServerError when there is none, or this environment cannot run it.
    """
    _refuse_numpy_2()
    named = os.environ.get(VARIABLE)
    if named or (_IMAGE / "bin" / "tritonserver").is_file():
        return _installed(Path(named) if named else _IMAGE)
    return _wheel()


def _installed(root: Path) -> Distribution:
    python = root / "backends" / "python"
    binary, stub = root / "bin" / "tritonserver", python / "triton_python_backend_stub"
    for file in (binary, stub):
        if not file.is_file():
            raise ServerError(f"There is no {file}; {VARIABLE} must name a folder with Triton and its Python backend.")
    return Distribution(binary, (root / "lib", *_libpython_folder()), python, stub)


def _wheel() -> Distribution:
    try:
        wheel = metadata.distribution("nvidia-pytriton")
    except metadata.PackageNotFoundError:
        raise ServerError(
            "nvidia-pytriton is not installed in this environment; it carries tritonserver. "
            "Install it with: pip install -r requirements.lock"
        ) from None
    site = Path(str(wheel.locate_file("")))
    triton = site / "pytriton" / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = triton / "python_backend_stubs" / version / "triton_python_backend_stub"
    binary = triton / "bin" / "tritonserver"
    for file in (binary, stub):
        if not file.is_file():
            raise ServerError(
                f"nvidia-pytriton {wheel.version} has no {file}; reinstall it, under Python 3.11 or 3.12."
            )
    libraries = (site / "nvidia_pytriton.libs", *_libpython_folder())
    return Distribution(binary, libraries, triton / "backends" / "python", stub)


def _refuse_numpy_2() -> None:
    version = metadata.version("numpy")
    if int(version.split(".")[0]) >= 2:
        raise ServerError(
            f"numpy {version} is installed, but this Triton's Python backend answers empty tensors under "
            "numpy 2; install numpy 1.26 (pip install -r requirements.lock)."
        )


def _libpython_folder() -> tuple[Path, ...]:
    """The folder of libpython, which the stub is linked with; none where the system's loader finds it."""
    soname = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"
    for folder in (Path(sysconfig.get_config_var("LIBDIR") or "/"), Path(sys.base_prefix) / "lib"):
        if (folder / soname).is_file():
            return (folder,)
    if ctypes.util.find_library(soname.removeprefix("lib").split(".so")[0]):
        return ()
    raise ServerError(
        f"{soname} is not installed, and Triton's Python backend needs it; on Debian and Ubuntu: "
        f"apt-get install {soname.split('.so')[0]}"
    )


def _prepend(*paths: str) -> str:
    return os.pathsep.join(path for path in paths if path)


def has_gpu() -> bool:
    """Whether a CUDA device is there for a KIND_GPU instance group, as NVIDIA's library (NVML) sees it."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    count = ctypes.c_uint(0)
    if nvml.nvmlInit_v2() != 0:
        return False
    try:
        return nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0 and count.value > 0
    finally:
        nvml.nvmlShutdown()
