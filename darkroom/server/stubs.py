"""The processes in which tritonserver runs our models, seen through /proc: which there are, and which have died."""

import os
import re
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_NAME = b"triton_python_backend_stub"
_INSTANCE = re.compile(r"(.+?)_\d+(_\d+)?(_gpu\d+)?$")


@dataclass(frozen=True)
class Stub:
    """One model process."""

    pid: int
    model: str
    version: str
    region: str
    """Name of its shared memory in /dev/shm."""


@dataclass(frozen=True)
class Death:
    """A stub that ended without tritonserver having ended it. `how`: "signal 9", "status 70"."""

    stub: Stub
    how: str


class StubWatch:
    """Follows the stubs of one tritonserver. Used from one thread."""

    def __init__(self, server_pid: int) -> None:
        self._server = server_pid
        self._handles: dict[int, int] = {}
        """File descriptors (pidfd) by pid: they wake `wait` the moment a process ends."""
        self._stubs: dict[int, Stub] = {}
        self._poll = select.poll()

    def look(self) -> None:
        """Take up stubs that have come since the last look."""
        for pid in _children(self._server):
            if pid in self._stubs or (stub := _stub(pid)) is None:
                continue
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            self._stubs[pid], self._handles[pid] = stub, handle
            self._poll.register(handle, select.POLLIN)

    def wait(self, timeout_s: float) -> list[Stub]:
        """Stubs that ended within `timeout_s`, as soon as one does."""
        if not self._handles:
            time.sleep(timeout_s)
            return []
        ready = {handle for handle, _ in self._poll.poll(timeout_s * 1000)}
        return [self._forget(pid) for pid, handle in list(self._handles.items()) if handle in ready]

    def living(self, model: str) -> list[Stub]:
        """The stubs of a model that run, its old versions' among them."""
        return [stub for stub in list(self._stubs.values()) if stub.model == model]

    def close(self) -> None:
        """Give the file descriptors back."""
        for pid in list(self._handles):
            self._forget(pid)

    def _forget(self, pid: int) -> Stub:
        handle = self._handles.pop(pid)
        self._poll.unregister(handle)
        os.close(handle)
        return self._stubs.pop(pid)


def death_of(stub: Stub, patience_s: float = 0.1) -> Death | None:
    """How an ended stub died; None if tritonserver ended it, which then also reaps it; the others stay zombies."""
    give_up = time.monotonic() + patience_s
    while (status := _zombie_status(stub.pid)) is not None:
        if time.monotonic() > give_up:
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
            return Death(stub, how)
        time.sleep(0.01)
    return None


def is_stopped(pid: int) -> bool:
    """Whether the process is held by SIGSTOP or the like."""
    fields = _stat(pid)
    return bool(fields) and fields[0] == "T"


def kill(stub: Stub) -> None:
    """SIGKILL, if it is still the process that we know."""
    if _stub(stub.pid) == stub:
        os.kill(stub.pid, signal.SIGKILL)


def _stub(pid: int) -> Stub | None:
    try:
        arguments = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    if not arguments[0].endswith(_NAME) or len(arguments) < 3:  # a zombie has no arguments left
        return None
    code, region = Path(os.fsdecode(arguments[1])), os.fsdecode(arguments[2])
    instances = [match[1] for part in arguments[3:] if (match := _INSTANCE.fullmatch(os.fsdecode(part)))]
    # Triton copies a model from an object store to a folder of any name, so the instance's name is asked first.
    return Stub(pid, instances[-1] if instances else code.parents[1].name, code.parent.name, region)


def _children(pid: int) -> list[int]:
    found = []
    for path in _PROC.iterdir():
        if path.name.isdecimal() and (fields := _stat(int(path.name))) and int(fields[1]) == pid:
            found.append(int(path.name))
    return found


def _zombie_status(pid: int) -> int | None:
    """The wait status of a zombie; None when it is none."""
    fields = _stat(pid)
    return int(fields[49]) if fields and fields[0] == "Z" else None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (see proc(5), which counts from 1: field n is item n - 3)."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
