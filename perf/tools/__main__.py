"""`python -m perf.tools`: install perf_analyzer and locust into .cache/perf-tools, and see that both start.

perf_analyzer's own wheel wants glibc 2.38 or newer. On older systems the last tritonclient wheel that carried the
binary serves; of it nothing else is used.
"""

import argparse
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

from perf.tools import HOME, LIBRARIES, environment, tool

REQUIREMENTS = Path(__file__).with_name("requirements.lock")
OWN_WHEEL = "perf-analyzer==2.60.0"
OLDER_WHEEL = "tritonclient==2.50.0"
OWN_WHEEL_GLIBC = (2, 38)
BORROWED = ("libb64.so.0d", "libcudart.so.12")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not (HOME / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
    _pip("-r", str(REQUIREMENTS))
    _pip("--no-deps", analyzer_wheel(platform.libc_ver()[1]))
    LIBRARIES.mkdir(parents=True, exist_ok=True)
    for name in BORROWED:
        link = LIBRARIES / name
        link.unlink(missing_ok=True)
        link.symlink_to(carried(name))
    for command in ("perf_analyzer", "locust"):
        done = subprocess.run(
            [tool(command), "--version"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{command} does not start: {done.stdout.strip()}")
        print(done.stdout.strip())


def analyzer_wheel(glibc: str) -> str:
    """The requirement that brings perf_analyzer on this glibc ("2.36")."""
    version = tuple(int(part) for part in glibc.split(".")[:2]) if glibc else (0, 0)
    return OWN_WHEEL if version >= OWN_WHEEL_GLIBC else OLDER_WHEEL


def carried(name: str) -> Path:
    """The library of that plain name in nvidia-pytriton's wheel, where auditwheel put a hash into its name."""
    folder = Path(sysconfig.get_path("purelib")) / "nvidia_pytriton.libs"
    stem, rest = name.split(".so.")
    found = sorted(folder.glob(f"{stem}-*.so.{rest}*"))
    if not found:
        raise SystemExit(f"{folder} holds no {name}; nvidia-pytriton==0.7.0 carries it.")
    return found[0].resolve()


def _pip(*what: str) -> None:
    python = str(HOME / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what], check=True)


if __name__ == "__main__":
    main()
