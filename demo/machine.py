"""Where and with what the figures were measured."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("darkroom", "numpy", "onnxruntime", "pillow", "tritonclient", "nvidia-pytriton")


def machine_facts() -> dict[str, Any]:
    """CPU model, cores this process may use, memory in GiB, system, and the load that was there before."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def package_versions() -> dict[str, str]:
    """Package -> version, and Python's."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
