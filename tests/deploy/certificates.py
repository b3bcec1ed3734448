"""A test authority and certificates it signs, by the real openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path


def authority(folder: Path, name: str = "ca") -> Pair:
    """A certificate that signs others."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    _openssl("req", "-x509", *_key(pair), "-subj", f"/CN={name}", "-out", str(pair.certificate))
    return pair


def issued(by: Pair, folder: Path, name: str) -> Pair:
    """A certificate for 127.0.0.1, for servers and for clients."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    signed = ["-CA", str(by.certificate), "-CAkey", str(by.key), "-addext", "subjectAltName=IP:127.0.0.1"]
    usage = ["-addext", "basicConstraints=critical,CA:FALSE"]
    _openssl("req", "-x509", *_key(pair), "-subj", f"/CN={name}", *signed, *usage, "-out", str(pair.certificate))
    return pair


def _key(pair: Pair) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", str(pair.key)]


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
