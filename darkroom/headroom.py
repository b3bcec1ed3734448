"""Memory before a load: what a version will need, and what is left. While versions change, both are in memory."""

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")

PROCESS_BYTES = 64 * 2**20
"""Private memory of a model process before it has a network (43 MiB measured, and room for pictures)."""
BYTES_PER_FILE_BYTE = 7.0
"""Private memory a byte of the version's files, warmed up on the CPU: 3.6 (span, FFDNet) to 6.6 (RRDBNet) measured."""


def available_bytes() -> int:
    """What new processes can have: the machine's available memory, or what is left of the container's limit."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(fields["MemAvailable"].split()[0]) * 1024
    return min(available, _container_bytes(_CGROUP, available))


def private_bytes(pid: int) -> int | None:
    """Memory that a process shares with nobody, bytes; None when it has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def expected_bytes(version: Path) -> int:
    """What a process serving a version folder will take, guessed from its files."""
    return PROCESS_BYTES + int(BYTES_PER_FILE_BYTE * sum(_size(path) for path in version.glob("*")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0  # removed while we looked


def _container_bytes(cgroup: Path, otherwise: int) -> int:
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return otherwise if limit == "max" else max(0, int(limit) - int(used) + _reclaimable(cgroup))
    except (OSError, ValueError):
        return otherwise


def _reclaimable(cgroup: Path) -> int:
    """Cached file pages count as used, but the kernel gives them back."""
    fields = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    return int(fields.get("inactive_file", 0))
