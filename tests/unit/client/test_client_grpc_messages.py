"""gRPC messages against protobuf's own classes."""

import pytest
from darkroom_client.transports.grpc_messages import answer_of, serialized
from darkroom_client.wire import Call
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb


def parsed(call):
    return pb.ModelInferRequest.FromString(serialized(call))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 300, 16_383, 16_384, 2_097_152])
def test_a_picture_of_any_size(size):
    data = bytes(range(256)) * (size // 256 + 1)
    request = parsed(Call("denoise", "image", data[:size], version="3", request_id="id", outputs=("image", "report")))
    assert (request.model_name, request.model_version, request.id) == ("denoise", "3", "id")
    (tensor,) = request.inputs
    assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("image", "UINT8", [1, size])
    assert list(request.raw_input_contents) == [data[:size]]
    assert [output.name for output in request.outputs] == ["image", "report"]
    assert not request.parameters


def test_parameters_travel_with_their_types():
    given = {"scale": 2, "strength": 1.5, "quote": True, "prompt": "a fox"}
    request = parsed(Call("m", "image", b"x", parameters=given, priority=2, timeout_us=1_500_000))
    sent = {name: getattr(value, value.WhichOneof("parameter_choice")) for name, value in request.parameters.items()}
    assert sent == {**given, "priority": 2, "timeout": 1_500_000}
    assert request.parameters["quote"].WhichOneof("parameter_choice") == "bool_param"
    assert request.parameters["scale"].WhichOneof("parameter_choice") == "int64_param"
    assert request.parameters["priority"].WhichOneof("parameter_choice") == "uint64_param"


def test_a_query_is_one_string():
    request = parsed(Call("jobs", "query", b'{"action": "totals"}', datatype="BYTES", outputs=("answer",)))
    assert list(request.inputs[0].shape) == [1]
    assert request.raw_input_contents[0] == b'\x14\0\0\0{"action": "totals"}'


def response_of(image, report):
    response = pb.ModelInferResponse(model_name="denoise", model_version="1", id="job")
    response.parameters["triton_final_response"].bool_param = True
    response.outputs.add(name="image", datatype="UINT8", shape=[1, len(image)])
    response.outputs.add(name="report", datatype="BYTES", shape=[1, 1])
    response.raw_output_contents.extend([image, len(report).to_bytes(4, "little") + report])
    return response.SerializeToString()


@given(image=st.binary(max_size=400), report=st.binary(max_size=300))
def test_an_answer(image, report):
    answer = answer_of(response_of(image, report))
    assert answer.request_id == "job"
    assert answer.outputs == {"image": image, "report": report}


@pytest.mark.parametrize("missing", [1, 6, 7, 8, 9, 40])
def test_an_answer_that_is_cut_off(missing):
    whole = response_of(b"picture" * 10, b"{}")
    with pytest.raises(ValueError, match=r"ends within|zip"):
        answer_of(whole[:-missing])


def test_an_answer_without_its_tensor():
    response = pb.ModelInferResponse(id="job")
    response.outputs.add(name="image", datatype="UINT8", shape=[1, 3])
    with pytest.raises(ValueError, match="zip"):
        answer_of(response.SerializeToString())


def test_fields_of_a_later_protocol_are_skipped():
    whole = response_of(b"abc", b"{}")
    assert answer_of(b"\x98\x06\x05" + whole + b"\xa5\x06abcd" + b"\xa1\x06abcdefgh").outputs["image"] == b"abc"
