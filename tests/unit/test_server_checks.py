"""What the embedded server checks before it starts anything, and the sentences it refuses with."""

import json
import socket
from importlib import metadata
from pathlib import Path

import pytest

from darkroom.server import Ports, Server, ServerError, distribution, repository
from darkroom.server.arguments import triton_arguments
from darkroom.server.ports import Reservation


def write_model(folder: Path, *versions: str, networks: list[str] | None = None) -> Path:
    """A model folder; with `networks`, every version has a pipeline.json that names them."""
    folder.mkdir(parents=True)
    (folder / "config.pbtxt").write_text(f'name: "{folder.name}"')
    for version in versions:
        (folder / version).mkdir()
        if networks is not None:
            pipeline = {"networks": {network: {} for network in networks}}
            (folder / version / "pipeline.json").write_text(json.dumps(pipeline))
    return folder


def write_export(version: Path, *networks: str) -> None:
    record = {"sha256": "0" * 64, "architecture": "SPAN", "weights": "random, for testing", "licence": "none"}
    records = {name: {"file": f"{name}.onnx", **record} for name in networks}
    (version / "networks.json").write_text(json.dumps(records))
    for name in networks:
        (version / f"{name}.onnx").touch()


def test_numpy_2_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "2.4.0" if name == "numpy" else real(name))
    with pytest.raises(ServerError, match=r"^numpy 2\.4\.0 is installed, but .* numpy 2; install numpy 1\.26"):
        Server(tmp_path)


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.distribution

    def without_the_wheel(name: str) -> metadata.Distribution:
        if name == "nvidia-pytriton":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "distribution", without_the_wheel)
    with pytest.raises(ServerError, match=r"^nvidia-pytriton is not installed"):
        distribution.find_distribution()


def test_a_missing_libpython_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: str(tmp_path))
    monkeypatch.setattr("sys.base_prefix", str(tmp_path))
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(ServerError, match=r"^libpython3\.\d+\.so\.1\.0 is not.* install libpython3\.\d+$"):
        distribution.find_distribution()


def test_our_backend_directory_has_the_stub_of_this_python(tmp_path: Path) -> None:
    backends = distribution.find_distribution().link_backends(tmp_path / "backends")
    for name in ("libtriton_python.so", "triton_python_backend_stub", "triton_python_backend_utils.py"):
        assert (backends / "python" / name).is_file()


def test_the_heap_gives_back_what_is_freed_unless_an_operator_wants_otherwise() -> None:
    found = distribution.find_distribution()
    assert found.environment({})["MALLOC_ARENA_MAX"] == "4"
    assert found.environment({"MALLOC_ARENA_MAX": "16"})["MALLOC_ARENA_MAX"] == "16"


def test_a_repository_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="is not a folder"):
        repository.find_repository(tmp_path / "nowhere")


def test_models_are_folders_with_a_configuration_and_a_version(tmp_path: Path) -> None:
    write_model(tmp_path / "denoise", "1", "2")
    write_model(tmp_path / "unfinished")
    (tmp_path / "notes").mkdir()
    assert repository.choose_models(tmp_path, None) == ("denoise",)
    assert repository.choose_models(tmp_path, ["denoise", "denoise"]) == ("denoise",)
    with pytest.raises(ServerError, match=r"^There is no model 'sharpen' in .*; it has denoise\.$"):
        repository.choose_models(tmp_path, ["sharpen"])


def test_a_repository_without_models(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="has no model"):
        repository.choose_models(tmp_path, None)


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    model = write_model(tmp_path / "denoise", "10", "9", "0", "draft")
    assert [version.name for version in repository.versions(model)] == ["9", "10"]


def test_every_missing_export_is_named_with_the_command(tmp_path: Path) -> None:
    write_model(tmp_path / "denoise", "1", networks=["ffdnet_color"])
    upscale = write_model(tmp_path / "super_resolution", "1", "2", networks=["span_x2", "span_x4"])
    write_export(upscale / "1", "span_x2", "span_x4")
    write_export(upscale / "2", "span_x2", "span_x4")
    (upscale / "2" / "span_x4.onnx").unlink()
    write_model(tmp_path / "jobs", "1")
    with pytest.raises(ServerError) as refused:
        repository.check_exports(tmp_path, ["denoise", "jobs", "super_resolution"])
    assert str(refused.value).splitlines() == [
        "denoise, version 1: no network is exported (networks.json is missing).",
        "super_resolution, version 2: span_x4.onnx is missing.",
        "Run `make export` to export what is missing.",
    ]


def test_complete_exports_pass(tmp_path: Path) -> None:
    model = write_model(tmp_path / "denoise", "1", networks=["ffdnet_color"])
    write_export(model / "1", "ffdnet_color")
    repository.check_exports(tmp_path, ["denoise"])


@pytest.mark.parametrize(
    ("wanted", "simulate", "gpu", "chosen"),
    [
        (None, "", False, "cpu"),
        (None, "", True, "a100"),
        (None, "8,2", True, "simulated"),
        ("cpu", "", True, "cpu"),
        ("simulated", "8,2", False, "simulated"),
    ],
)
def test_the_configuration_follows_the_machine(
    monkeypatch: pytest.MonkeyPatch, wanted: str | None, simulate: str, gpu: bool, chosen: str
) -> None:
    monkeypatch.setattr(repository, "has_gpu", lambda: gpu)
    assert repository.choose_config_name(wanted, {"DARKROOM_SIMULATE": simulate}) == chosen


@pytest.mark.parametrize(("wanted", "words"), [("simulated", "needs DARKROOM_SIMULATE"), ("h100", "got 'h100'")])
def test_a_configuration_that_cannot_be(wanted: str, words: str) -> None:
    with pytest.raises(ServerError, match=words):
        repository.choose_config_name(wanted, {})


def reserved(**wanted: int) -> Ports:
    reservation = Reservation("127.0.0.1", Ports(**wanted))
    reservation.close()
    return reservation.ports


def test_a_reserved_port_is_for_tritonserver_alone() -> None:
    reservation = Reservation("127.0.0.1", Ports())
    address = ("127.0.0.1", reservation.ports.http)
    try:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(address)
        for _ in range(2):  # the second time stands for a restart
            with socket.socket() as triton:
                triton.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                triton.bind(address)
                triton.listen(1)
                socket.create_connection(address).close()
    finally:
        reservation.close()


def test_free_ports_differ() -> None:
    ports = reserved()
    assert len({ports.http, ports.grpc, ports.metrics}) == 3
    assert 0 not in (ports.http, ports.grpc, ports.metrics)


def test_a_taken_port_is_named_with_its_option() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"^Port {port} on 127\.0\.0\.1 is taken .* --metrics-port\.$"):
            reserved(metrics=port)


def test_one_port_wanted_twice_is_taken() -> None:
    port = reserved().http
    with pytest.raises(ServerError, match="--grpc-port"):
        reserved(http=port, grpc=port)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_number_that_is_no_port(port: int) -> None:
    with pytest.raises(ServerError, match=f"Port {port} .* --http-port"):
        reserved(http=port)


def test_an_object_store_is_left_to_triton_and_wants_its_models_named() -> None:
    with pytest.raises(ServerError, match=r"^Which models of s3://bucket/models shall be served\? .* --models\.$"):
        Server("s3://bucket/models", config_name="cpu")
    server = Server("s3://bucket/models", models=["denoise", "jobs", "denoise"], config_name="cpu")
    assert (server.repository, server.models) == ("s3://bucket/models", ("denoise", "jobs"))


def test_the_argument_for_an_object_store_is_its_address() -> None:
    arguments = triton_arguments(
        repository="gs://bucket/models",
        backends=Path("/backends"),
        models=["denoise"],
        config_name="cpu",
        host="127.0.0.1",
        ports=Ports(1, 2, 3),
        admin_key="k" * 16,
        region_prefix="darkroom-0-",
        exit_timeout_s=1,
    )
    assert "--model-repository=gs://bucket/models" in arguments
    assert "--load-model=denoise" in arguments
