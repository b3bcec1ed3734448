"""Inference requests and answers as they travel over gRPC, written and read with one copy of the picture.

Protobuf's own classes hold a field's bytes a second and a third time, which for a picture of hundreds of megabytes
counts. So they serve for the small fields alone, and the pictures are put beside those: in protobuf's wire format a
field of bytes is a tag, a length and the bytes (https://protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator

from tritonclient.grpc import service_pb2

from darkroom_client.wire import Answer, Call, Parameter, first_string

MODEL_INFER = "/inference.GRPCInferenceService/ModelInfer"

_RAW_INPUT_CONTENTS, _RAW_OUTPUT_CONTENTS = 7, 6
"""Numbers of the fields that carry tensors."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types."""


def serialized(call: Call) -> bytes:
    """The message `ModelInferRequest` of a call."""
    data = call.input_bytes
    is_text = call.datatype == "BYTES"
    request = service_pb2.ModelInferRequest(model_name=call.model, model_version=call.version, id=call.request_id)
    request.inputs.add(name=call.input_name, datatype=call.datatype, shape=[1] if is_text else [1, len(data)])
    for name in call.outputs:
        request.outputs.add(name=name)
    for name, value in call.parameters.items():
        setattr(request.parameters[name], _field_of(value), value)
    if call.priority:
        request.parameters["priority"].uint64_param = call.priority
    if call.timeout_us is not None:
        request.parameters["timeout"].int64_param = call.timeout_us
    prefix = len(data).to_bytes(4, "little") if is_text else b""
    tag = _RAW_INPUT_CONTENTS << 3 | _BYTES
    return b"".join((request.SerializeToString(), _as_varint(tag), _as_varint(len(prefix) + len(data)), prefix, data))


def answer_of(message: bytes) -> Answer:
    """The outputs of a message `ModelInferResponse`. Raises ValueError for one that is cut off or lacks an output."""
    whole = memoryview(message)
    small, contents = bytearray(), []
    for number, start, value, end in _fields(whole):
        if number == _RAW_OUTPUT_CONTENTS:
            contents.append(whole[value:end])
        else:
            small += whole[start:end]
    response = service_pb2.ModelInferResponse.FromString(bytes(small))
    outputs = {}
    for tensor, raw in zip(response.outputs, contents, strict=True):
        outputs[tensor.name] = first_string(bytes(raw)) if tensor.datatype == "BYTES" else bytes(raw)
    return Answer(response.id, outputs)


def _field_of(value: Parameter) -> str:
    """Which member of `InferParameter` holds a value."""
    match value:
        case str():
            return "string_param"
        case bool():
            return "bool_param"
        case int():
            return "int64_param"
        case _:
            return "double_param"


def _as_varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _fields(message: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Number, begin of the field, begin of its value and end of every field of a message."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        match tag & 7:
            case wire if wire == _BYTES:
                length, at = _varint(message, at)
            case wire if wire == _VARINT:
                length = _varint(message, at)[1] - at
            case wire if wire in (_FIXED64, _FIXED32):
                length = 8 if wire == _FIXED64 else 4
            case wire:
                raise ValueError(f"The answer has a field of the unknown wire type {wire}.")
        if at + length > len(message):
            raise ValueError("The answer ends within a field.")
        yield tag >> 3, start, at, at + length
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    number = shift = 0
    while at < len(message):
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("The answer ends within a number.")
