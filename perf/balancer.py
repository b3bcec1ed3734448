"""The real HAProxy with deploy/haproxy/haproxy.cfg, on loopback, in front of machines (perf/machines.py)."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perf.harness import free_port
from perf.machines import ROOT, until

CONFIG = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
_DOWNLOADED = ROOT / ".cache" / "haproxy" / "usr"
NAMES = ("one", "two", "three")
"""The machines of the configuration."""
_NETWORK = "10.0.0."


@dataclass(frozen=True)
class Balancer:
    """`host:port` of each entry, and the socket of the operator."""

    rest: str
    grpc: str
    http: str
    metrics: str
    admin: Path

    def tell(self, command: str) -> str:
        """What HAProxy answers to an operator's line."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.admin))
            line.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: line.recv(65536), b"")).decode()

    def up(self, backend: str) -> set[str]:
        """The machines that a backend sends requests to."""
        rows = [row.split(",") for row in self.tell("show stat").splitlines() if row.startswith(f"{backend},")]
        return {row[1] for row in rows if row[1] in NAMES and row[17] == "UP"}


def network() -> str:
    """The first three numbers of addresses that nobody else on this machine is likely to have: "127.a.b."."""
    return f"127.{random.randrange(1, 255)}.{random.randrange(255)}."


@contextlib.contextmanager
def balancer(folder: Path, machines: str, certificate: Path | None = None) -> Iterator[Balancer]:
    """Runs until the end of the block. `machines`: their network; `certificate`: PEM, with its key; None: no TLS."""
    ports = {name: f"127.0.0.1:{free_port()}" for name in (":443", ":8443", ":9443", "127.0.0.1:8404")}
    admin = folder / "admin.sock"
    (folder / "haproxy.cfg").write_text(_here(CONFIG.read_text(), ports, machines, admin, certificate))
    command = [*program(), "-f", str(folder / "haproxy.cfg")]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=environment(), stdout=log, stderr=log) as child,
    ):
        try:
            until(lambda: child.poll() is not None or admin.exists())
            if child.poll() is not None:
                raise RuntimeError((folder / "log").read_text())
            rest, grpc, http, metrics = ports.values()
            yield Balancer(rest, grpc, http, metrics, admin)
        finally:
            child.kill()


def _here(text: str, ports: dict[str, str], machines: str, admin: Path, certificate: Path | None) -> str:
    """The configuration with other addresses, and nothing else changed."""
    for port, address in ports.items():
        text = text.replace(f"bind {port}\n", f"bind {address}\n").replace(f"bind {port} ", f"bind {address} ")
    text = text.replace(_NETWORK, machines).replace("/run/haproxy/admin.sock mode", f"{admin} mode")
    if certificate is None:
        text = re.sub(r" ssl crt \S+ alpn h2$", " proto h2", text, flags=re.MULTILINE)
        return re.sub(r" ssl crt \S+ alpn \S+$", "", text, flags=re.MULTILINE)
    return text.replace("/etc/haproxy/darkroom.pem", str(certificate))


def program() -> list[str]:
    """HAProxy: installed, or where deploy/haproxy/download puts it. Raises RuntimeError where it is neither."""
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:{_DOWNLOADED}/sbin")
    if found is None:
        raise RuntimeError("There is no haproxy: install it, or run deploy/haproxy/download.")
    return [found]


def environment() -> dict[str, str]:
    """With the libraries that were downloaded beside it."""
    return {**os.environ, "LD_LIBRARY_PATH": str(_DOWNLOADED / "lib" / "x86_64-linux-gnu")}
