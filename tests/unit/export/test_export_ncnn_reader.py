"""The ncnn reader, on files small enough to be written here."""

import numpy as np
import pytest

from export import ncnn
from export.errors import ExportError

FP16_TAG = (0x01306B47).to_bytes(4, "little")
RAW_TAG = bytes(4)

PARAM = """7767517
5 5
Input data 0 1 data
MemoryData mean 0 1 mean 0=1 1=1 2=3
BinaryOp sub 2 1 data mean centred 0=1
Convolution conv 1 1 centred features 0=2 1=3 11=1 4=1 5=1 6=18 9=2 -23310=1,2.000000e-01
PReLU act 1 1 features output 0=2
"""

MEAN = np.array([0.25, 0.5, 0.75], np.float32)
KERNEL = (np.arange(18, dtype=np.float32) / 8).reshape(2, 3, 1, 3)
BIAS = np.array([-1.0, 1.0], np.float32)
SLOPE = np.array([0.1, 0.2], np.float32)


def weights(kernel: bytes) -> bytes:
    return MEAN.tobytes() + kernel + BIAS.tobytes() + SLOPE.tobytes()


RAW = weights(RAW_TAG + KERNEL.tobytes())
HALF = weights(FP16_TAG + KERNEL.astype("<f2").tobytes())


@pytest.mark.parametrize("content", [RAW, HALF], ids=["fp32", "fp16"])
def test_reads_every_layer_and_its_weights(content: bytes) -> None:
    layers = {layer.name: layer for layer in ncnn.read(PARAM.encode(), content)}

    assert list(layers) == ["data", "mean", "sub", "conv", "act"]
    np.testing.assert_array_equal(layers["mean"].weights["data"], MEAN.reshape(3, 1, 1))
    np.testing.assert_array_equal(layers["conv"].weights["weight"], KERNEL)
    np.testing.assert_array_equal(layers["conv"].weights["bias"], BIAS)
    np.testing.assert_array_equal(layers["act"].weights["slope"], SLOPE)
    assert layers["sub"].inputs == ("data", "mean")
    assert layers["conv"].params[10] == (0.2,)


def test_half_precision_weights_are_padded_to_four_bytes() -> None:
    param = "7767517\n1 1\nConvolution conv 1 1 a b 0=1 1=1 5=1 6=3\n"
    odd = FP16_TAG + np.array([1, 2, 3], "<f2").tobytes() + bytes(2) + np.float32(7).tobytes()

    (layer,) = ncnn.read(param.encode(), odd)

    np.testing.assert_array_equal(layer.weights["weight"].ravel(), [1, 2, 3])
    np.testing.assert_array_equal(layer.weights["bias"], [7])


@pytest.mark.parametrize("content", [RAW, HALF], ids=["fp32", "fp16"])
def test_every_truncation_is_refused(content: bytes) -> None:
    for length in range(len(content)):
        with pytest.raises(ExportError, match="end early"):
            ncnn.read(PARAM.encode(), content[:length])


def test_bytes_after_the_last_layer_are_refused() -> None:
    with pytest.raises(ExportError, match="4 bytes left over"):
        ncnn.read(PARAM.encode(), RAW + bytes(4))


@pytest.mark.parametrize(
    ("param", "sentence"),
    [
        ("7767518\n0 0\n", "first line must be 7767517"),
        ("", "first line must be 7767517"),
        (PARAM.replace("5 5", "6 5"), "promises 6 layers and holds 5"),
        (PARAM.replace("BinaryOp", "Gemm"), "Gemm sub is of a type this reader does not know"),
        (PARAM.replace("6=18", "6=17"), "17 weights do not fill 2 kernels of 1x3"),
        (PARAM.replace("-23310=1,", "-23310=2,"), "promises 2 values and holds 1"),
        (PARAM.replace("0=2 1=3", "0=2.5 1=3"), "parameter 0 must be a whole number, got 2.5"),
        (PARAM.replace("PReLU act 1 1 features output 0=2", "PReLU act 3 1 a"), "fewer than 3 inputs"),
        (PARAM.replace("MemoryData mean 0 1", "MemoryData mean zero 1"), "damaged"),
    ],
)
def test_a_damaged_param_file_is_refused_with_its_cause(param: str, sentence: str) -> None:
    with pytest.raises(ExportError, match=sentence):
        ncnn.read(param.encode(), RAW)


def test_an_unknown_weight_format_is_refused() -> None:
    with pytest.raises(ExportError, match="have tag 0x000d4b38"):
        ncnn.read(PARAM.encode(), weights((0x000D4B38).to_bytes(4, "little") + KERNEL.tobytes()))


def test_a_network_is_one_param_and_one_bin_file() -> None:
    with pytest.raises(ExportError, match=r"got a\.param, b\.param"):
        ncnn.read_files({"a.param": b"", "b.param": b""})
