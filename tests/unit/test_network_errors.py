"""What onnxruntime's words mean. The last test makes it say them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from darkroom.network_errors import DeviceLostError, NetworkError, OutOfMemoryError, kind_of

FULL = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. Name:'/c' "
    "Status Message: bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool) "
    "Failed to allocate memory for requested buffer of size 2830172160",
    "Available memory of 1048576 is smaller than requested bytes of 2097152",
    "[ONNXRuntimeError] : 1 : FAIL : cuda_call.cc:114 onnxruntime::CudaCall CUDA failure 2: out of memory ; GPU=0 ; "
    "hostname=a ; file=cuda_allocator.cc ; line=47 ; expr=cudaMalloc((void**)&p, size);",
    "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=a ; expr=cublasCreate(&handle_);",
    "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0",
    "CUDNN failure 5003: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ; GPU=0",
    "defaultAllocator.cpp::allocate::19] Error Code 1: Cuda Runtime (out of memory)",
    "Error Code 2: OutOfMemory (no further information)",
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc",
)
LOST = (
    "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; file=gpu_data_transfer.cc",
    "CUDA failure 77: an illegal memory access was encountered ; GPU=0 ; expr=cudaEventDestroy(read_event_);",
    "CUDA failure 719: unspecified launch failure ; GPU=0",
    "CUDA failure 214: uncorrectable ECC error encountered ; GPU=0",
    "CUDA failure 46: all CUDA-capable devices are busy or unavailable ; GPU=0",
    "CUDNN failure 8: CUDNN_STATUS_EXECUTION_FAILED ; GPU=0 ; hostname=a ; expr=cudnnConvolutionForward(...)",
    "CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED ; GPU=0",
    "CUDA failure 2: out of memory ; GPU=0 ... CUDA failure 700: an illegal memory access was encountered",
)
OTHER = (
    "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: image",
    "CUDA failure 1: invalid argument ; GPU=1 ; expr=cudaMemcpyAsync(...)",
    "CUDNN failure 9: CUDNN_STATUS_NOT_SUPPORTED ; GPU=0",
    "CUDNN failure 3: CUDNN_STATUS_BAD_PARAM ; GPU=0",
    "TensorRT EP execution context enqueue failed.",
    "the file lies in /opt/cuda",
)


@pytest.mark.parametrize(
    ("words", "kind"),
    [(words, OutOfMemoryError) for words in FULL]
    + [(words, DeviceLostError) for words in LOST]
    + [(words, NetworkError) for words in OTHER],
)
def test_words_of_onnxruntime(words: str, kind: type[NetworkError]) -> None:
    assert kind_of(RuntimeError(words)) is kind


def test_python_s_own_shortage() -> None:
    assert kind_of(MemoryError()) is OutOfMemoryError
    with pytest.raises(MemoryError) as failed:
        np.empty(2**60, np.uint8)
    assert kind_of(failed.value) is OutOfMemoryError


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from darkroom.config import NetworkRecord
from darkroom.network import Network, OnnxRunner
from darkroom.network_errors import OutOfMemoryError

record = NetworkRecord(file="f", sha256="0" * 64, architecture="a", weights="w", licence="l")
network = Network("wide", OnnxRunner(Path(sys.argv[1]), gpu=False, threads=1), record, max_batch=64)
unit = (np.ones((3, 256, 256), np.float32),)
expected = network.run([unit])[0][0]
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, resource.RLIM_INFINITY))
try:
    network.run([unit] * 64)
except OutOfMemoryError as error:
    print(error)
assert (network.run([unit])[0][0] == expected).all()
"""


def test_onnxruntime_short_of_real_memory_is_recognised_and_goes_on(tmp_path: Path) -> None:
    """64 channels of 256x256 in float are 16 MiB a unit; 64 units of them do not fit into 400 MiB."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", 64, "h", "w"])
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [64, 3, 3, 3], np.full(64 * 27, 0.5, np.float32))
    node = helper.make_node("Conv", ["image", "weights"], ["answer"], pads=[1, 1, 1, 1])
    graph = helper.make_graph([node], "wide", [image], [answer], [weights])
    path = tmp_path / "wide.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    ran = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "The network wide ran out of memory."
    assert "Failed to allocate memory" in ran.stderr
