"""Requests that no client library would send, as they go over the wire, to a Triton server's HTTP port."""

import gzip
import json
import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Malformed:
    """One POST. The headers get the body's length unless they name one."""

    what: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v2/models/super_resolution/infer"


def deadly(picture: bytes) -> Malformed:
    """Triton 2.51 allocates what the shape announces before it looks at the data, and ends."""
    tensor = {"name": "image", "shape": [1, 2**62], "datatype": "UINT8", "data": list(picture)}
    return Malformed("a length of 2^62", json.dumps({"inputs": [tensor]}).encode())


def malformed(picture: bytes) -> list[Malformed]:
    """All of them, around a small file that is sound in itself."""
    return [*_bodies(picture), *_tensors(picture), *_lengths(picture), *_options(picture), *_queries()]


def _whole(picture: bytes, **more: Any) -> dict[str, Any]:
    tensor = {"name": "image", "shape": [1, len(picture)], "datatype": "UINT8", "data": list(picture)}
    return {"inputs": [tensor], **more}


def _bodies(picture: bytes) -> list[Malformed]:
    sound = json.dumps(_whole(picture)).encode()
    bodies = {
        "empty body": b"",
        "not JSON": b"\xff\xfe\0garbage",
        "JSON cut": sound[: len(sound) // 2],
        "JSON of brackets": b"[" * 100_000,
        "JSON of objects": b'{"inputs":' * 50_000,
        "a JSON number": b"9" * 10_000,
        "null": b"null",
        "no inputs": b"{}",
        "inputs of no list": b'{"inputs": {"name": "image"}}',
        "inputs of nulls": b'{"inputs": [null, null]}',
        "binary in JSON": sound.replace(b"image", b"ima\xff\0ge"),
        "an id that is no UTF-8": b'{"id": "\xff\xfe", ' + sound[1:],
        "an id of a megabyte": json.dumps(_whole(picture, id="x" * 2**20)).encode(),
        "half a surrogate pair for an id": b'{"id": "\\ud800", ' + sound[1:],
        "an id that is a number": json.dumps(_whole(picture, id=7)).encode(),
    }
    return [Malformed(what, body) for what, body in bodies.items()]


def _tensors(picture: bytes) -> list[Malformed]:
    def tensor(**changes: Any) -> dict[str, Any]:
        return {"inputs": [_whole(picture)["inputs"][0] | changes]}

    size = len(picture)
    sound = _whole(picture)["inputs"][0]
    requests = {
        "two pictures in a batch": tensor(shape=[2, size], data=list(picture) * 2),
        "more than the largest batch": tensor(shape=[33, 1], data=[0] * 33),
        "no batch axis": tensor(shape=[size]),
        "too many axes": tensor(shape=[1, 1, size]),
        "no picture": tensor(shape=[1, 0], data=[]),
        "no axis": tensor(shape=[]),
        "a length below zero": tensor(shape=[1, -1]),
        "a length of 2^70": tensor(shape=[1, 2**70]),
        "lengths whose product overflows": tensor(shape=[2**33, 2**33]),
        "another type": tensor(datatype="FP32"),
        "a type that is none": tensor(datatype="UINT9"),
        "text for bytes": tensor(datatype="BYTES", shape=[1, 1], data=["x"]),
        "numbers beyond a byte": tensor(shape=[1, 3], data=[256, -1, 1e30]),
        "words for numbers": tensor(shape=[1, 2], data=["a", None]),
        "nested numbers": tensor(data=[[[value] for value in picture]]),
        "fewer numbers": tensor(data=list(picture[:-1])),
        "more numbers": tensor(data=[*picture, 0]),
        "another name": tensor(name="picture"),
        "no name": tensor(name=None),
        "the input twice": {"inputs": [sound, sound]},
        "an input too many": {"inputs": [sound, {**sound, "name": "mask"}]},
        "a thousand inputs": {"inputs": [{**sound, "name": f"n{number}"} for number in range(1000)]},
        "an output that is none": _whole(picture, outputs=[{"name": "mask"}]),
        "an output twice": _whole(picture, outputs=[{"name": "image"}] * 2),
        "outputs of no list": _whole(picture, outputs={"name": "image"}),
        "shared memory": tensor(parameters={"shared_memory_region": "x", "shared_memory_byte_size": 2**40}),
        "binary data that is not there": tensor(parameters={"binary_data_size": 2**40}),
    }
    return [Malformed(what, json.dumps(request).encode()) for what, request in requests.items()]


def _lengths(picture: bytes) -> list[Malformed]:
    name = "Inference-Header-Content-Length"
    head = json.dumps({"inputs": [{"name": "image", "shape": [1, len(picture)], "datatype": "UINT8"}]}).encode()
    claims = {}
    for size in (-1, 0, len(picture) - 1, len(picture), len(picture) + 1, 2**31, 2**40, 2**63 - 1):
        sized = head[:-3] + b', "parameters": {"binary_data_size": %d}}]}' % size
        claims[f"binary data of {size} bytes"] = Malformed(
            f"binary data said to be {size} bytes", sized + picture, {name: str(len(sized))}
        )
    for text in ("-1", "99999999", "99999999999999999999", "abc", "", "0x10", "1e3", "7"):
        claims[text] = Malformed(f"{name}: {text!r}", head + picture, {name: text})
    packed = {"gzip": gzip.compress(picture), "deflate": b"\x78\x9cgarbage", "br": picture, "gzip, gzip": picture}
    return [
        *claims.values(),
        *(Malformed(f"packed as {kind}", body, {name: "0", "Content-Encoding": kind}) for kind, body in packed.items()),
        Malformed("said to be packed", picture, {name: "0", "Content-Encoding": "gzip"}),
    ]


def _options(picture: bytes) -> list[Malformed]:
    raw = {"Inference-Header-Content-Length": "0"}
    headers = {
        "no UTF-8": {"darkroom-scale": "\xff\xfe"},
        "brackets": {"darkroom-scale": "[" * 20_000},
        "60 KB": {"darkroom-scale": "9" * 60_000},
        "unknown": {"darkroom-\xe4": "1"},
        "empty": {"darkroom-": ""},
        "a thousand": {f"darkroom-{n}": "1" for n in range(1000)},
        "twice": {"darkroom-scale": "2", "Darkroom-Scale": "4", "DARKROOM-SCALE": "3"},
        "a deadline of nothing": {"darkroom-deadline-s": "5e-324"},
        "a deadline that is no number": {"darkroom-deadline-s": "NaN"},
    }
    parameters: dict[str, dict[str, Any]] = {
        "null": {"scale": None},
        "a list": {"scale": [2]},
        "an object": {"scale": {"value": 2}},
        "huge": {"scale": 10**30},
        "long": {"network": "x" * 2**20},
        "NUL": {"network": "\0"},
        "a name of NUL": {"\0": 1},
        "of Triton": {"sequence_id": 2**63, "priority": -1, "timeout": -5},
        "priority of text": {"priority": "high"},
        "a priority that is none": {"priority": 99},
        "a timeout of 2^64": {"timeout": 2**64},
        "sequences": {"sequence_id": "x", "sequence_start": True, "sequence_end": 7},
        "many": {f"option{n}": n for n in range(10_000)},
    }
    named = json.dumps(_whole(picture, parameters={"name of an option": 1}))
    return [
        *(Malformed(f"header: {what}", picture, raw | more) for what, more in headers.items()),
        *(
            Malformed(f"parameters: {what}", json.dumps(_whole(picture, parameters=more)).encode())
            for what, more in parameters.items()
        ),
        Malformed("parameters: no object", json.dumps(_whole(picture, parameters=[1])).encode()),
        Malformed("parameters: no UTF-8", named.encode().replace(b'"name of an option"', b'"\xff"')),
    ]


def _queries() -> list[Malformed]:
    path = "/v2/models/jobs/infer"
    tensor: dict[str, Any] = {"name": "query", "shape": [1], "datatype": "BYTES"}

    def query(*texts: str) -> bytes:
        return json.dumps({"inputs": [tensor | {"shape": [len(texts)], "data": texts}]}).encode()

    binary = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 8}}]})
    lying = binary.encode() + struct.pack("<I", 2**32 - 1) + b"abcd"
    return [
        Malformed("query: brackets", query("[" * 100_000), path=path),
        Malformed("query: half a surrogate pair", query(r'{"action": "state", "id": "\ud800"}'), path=path),
        Malformed("query: two", query("{}", "{}"), path=path),
        Malformed("query: none", query(), path=path),
        Malformed("query: a length that lies", lying, {"Inference-Header-Content-Length": str(len(binary))}, path),
        Malformed("query: no UTF-8", query("x").replace(b'"x"', b'"\xff\xfe"'), path=path),
    ]


def noise(count: int, seed: int) -> list[Malformed]:
    """Requests of random bytes, and of JSON with random bytes changed."""
    draw = random.Random(seed)
    sound = json.dumps(_whole(b"\xff\xd8\xff\xd9", parameters={"scale": 2}, id="x")).encode()
    found = []
    for number in range(count):
        body = bytearray(sound)
        for _ in range(draw.randint(1, 5)):
            body[draw.randrange(len(body))] = draw.randrange(256)
        found.append(Malformed(f"noise {number} of seed {seed}", bytes(body)))
    return found
