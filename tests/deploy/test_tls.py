"""gRPC under TLS with a test authority: who is let in, and who is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from darkroom_client import Darkroom, Retry, Tls, Unreachable
from echo_model import add_model

from darkroom.server import Server
from tests.deploy.certificates import Pair, authority, issued


@dataclass(frozen=True)
class Mutual:
    """A server that shows a certificate and wants to see one."""

    address: str
    ca: Pair
    client: Pair
    stranger: Pair


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mutual]:
    folder = tmp_path_factory.mktemp("tls")
    ca, other = authority(folder), authority(folder, "other")
    server, client, stranger = issued(ca, folder, "server"), issued(ca, folder, "client"), issued(other, folder, "x")
    repository = folder / "repository"
    add_model(repository)
    tls = [f"--grpc-server-cert={server.certificate}", f"--grpc-server-key={server.key}"]
    tls += [f"--grpc-root-cert={ca.certificate}", "--grpc-use-ssl-mutual=1"]
    with Server(repository, config_name="cpu", extra_arguments=tls) as running:
        yield Mutual(running.grpc_url, ca, client, stranger)


def run(url: str, tls: Tls | None) -> bytes:
    with Darkroom(url, tls=tls, retry=Retry.OFF) as darkroom:
        return darkroom.run("echo", b"picture", deadline_s=10).bytes


def test_a_client_with_a_certificate_of_the_authority(mutual: Mutual) -> None:
    tls = Tls(ca=mutual.ca.certificate, certificate=mutual.client.certificate, key=mutual.client.key)
    assert run(f"grpcs://{mutual.address}", tls) == b"picture"


def test_a_client_without_a_certificate_is_not_let_in(mutual: Mutual) -> None:
    with pytest.raises(Unreachable):
        run(f"grpcs://{mutual.address}", Tls(ca=mutual.ca.certificate))


def test_a_strangers_certificate_is_not_let_in(mutual: Mutual) -> None:
    tls = Tls(ca=mutual.ca.certificate, certificate=mutual.stranger.certificate, key=mutual.stranger.key)
    with pytest.raises(Unreachable):
        run(f"grpcs://{mutual.address}", tls)


def test_without_tls_nobody_is_let_in(mutual: Mutual) -> None:
    with pytest.raises(Unreachable):
        run(f"grpc://{mutual.address}", None)


def test_a_server_of_another_authority_is_not_trusted(mutual: Mutual, tmp_path: Path) -> None:
    other = authority(tmp_path)
    with pytest.raises(Unreachable):
        run(f"grpcs://{mutual.address}", Tls(other.certificate, mutual.client.certificate, mutual.client.key))
