"""Encrypted connections and headers: gRPC's own TLS, and HTTP behind a proxy that ends it (Triton has no HTTPS)."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from darkroom_client import Darkroom, Retry, Tls, Unreachable

from darkroom.server import Server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the command openssl to make a certificate")
    return certificate, key


@pytest.fixture(params=["grpcs", "https"])
def secure_url(request: pytest.FixtureRequest, certificate: tuple[Path, Path], scratch: Path) -> Iterator[str]:
    chain, key = certificate
    grpc_tls = ["--grpc-use-ssl=1", f"--grpc-server-cert={chain}", f"--grpc-server-key={key}"]
    arguments = grpc_tls if request.param == "grpcs" else []
    with Server(scratch, config_name="cpu", extra_arguments=arguments) as server:
        if request.param == "grpcs":
            yield f"grpcs://{server.grpc_url}"
            return
        proxy = TlsProxy(chain, key, server.http_url)
        yield f"https://127.0.0.1:{proxy.port}"
        proxy.close()


def test_an_encrypted_call_with_headers(secure_url: str, certificate: tuple[Path, Path]) -> None:
    headers = {"Darkroom-Token": "secret"}
    with Darkroom(secure_url, tls=Tls(ca=certificate[0]), headers=headers) as darkroom:
        result = darkroom.run("echo", b"x" * 100_000)
        assert result.bytes == b"x" * 100_000
        seen = {name.lower(): value for name, value in result.report.raw["options"].items()}
        assert seen["darkroom-token"] == "secret"


def test_a_stranger_is_not_trusted(secure_url: str) -> None:
    with Darkroom(secure_url, retry=Retry.OFF) as darkroom, pytest.raises(Unreachable):
        darkroom.run("echo", b"x", deadline_s=5)


class TlsProxy:
    """Ends TLS and passes the bytes on, on a loop of its own."""

    def __init__(self, chain: Path, key: Path, target: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain, key)
        self._host, _, port = target.partition(":")
        self._port = int(port)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer), return_exceptions=True)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
