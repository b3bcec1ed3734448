"""Requests over gRPC that no client library would send."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from darkroom.server import Server
from perf.hostile.seeds import seeds
from perf.torture import stubs

TIMEOUT_S = 60
PICTURE = seeds()["png"]


@pytest.fixture(scope="module")
def call(quick: Server) -> Iterator[Callable[[Any], Any]]:
    before = stubs(quick)
    with grpc.insecure_channel(quick.grpc_url) as channel:
        infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        yield lambda request: infer(request, timeout=TIMEOUT_S)
        assert len(infer(request(), timeout=TIMEOUT_S).outputs) == 2
    assert stubs(quick) == before


def request(
    shape: tuple[int, ...] = (1, len(PICTURE)),
    raw: tuple[bytes, ...] = (PICTURE,),
    datatype: str = "UINT8",
    name: str = "image",
    times: int = 1,
    **parameters: Any,
) -> Any:
    made = service_pb2.ModelInferRequest(model_name="super_resolution", raw_input_contents=raw)
    for _ in range(times):
        made.inputs.add(name=name, datatype=datatype, shape=shape)
    for key, value in parameters.items():
        field = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}[type(value)]
        setattr(made.parameters[key], field, value)
    return made


@pytest.mark.parametrize(
    "wrong",
    [
        request(raw=()),
        request(raw=(PICTURE[:-1],)),
        request(raw=(b"",)),
        request(shape=(2, len(PICTURE)), raw=(PICTURE * 2,)),
        request(shape=(33, 1), raw=(bytes(33),)),
        request(shape=(len(PICTURE),)),
        request(shape=()),
        request(shape=(1, -1)),
        request(shape=(-1, -1)),
        request(shape=(1, 2**62)),
        request(shape=(2**33, 2**33)),
        request(datatype="FP32"),
        request(datatype=""),
        request(datatype="BYTES"),
        request(name="mask"),
        request(name=""),
        request(times=0, raw=()),
        request(times=2, raw=(PICTURE, PICTURE)),
        request(scale=3),
        request(scale=2.5),
        request(scale="4"),
        request(scale=2**63 - 1),
        request(scale=float("nan")),
        request(deadline_s=float("inf")),
        request(deadline_s=-1),
        request(output_quality=0),
        request(output_quality=True),
        request(network="x" * 2**20),
        request(network="\0"),
        request(lane=""),
        request(**{"": 1}),
        request(**{"x" * 100_000: 1}),
        request(**{f"option{number}": number for number in range(1000)}),
    ],
    ids=range(33),
)
def test_is_refused_as_the_callers_mistake(call: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        call(wrong)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT, refused.value.details()
    assert len(refused.value.details()) < 1000


def test_an_id_of_a_megabyte(call: Callable[[Any], Any]) -> None:
    long = request()
    long.id = "x" * 2**20
    with pytest.raises(grpc.RpcError) as refused:
        call(long)
    assert "The id of a request has at most 256 characters, got 1048576." in refused.value.details()
