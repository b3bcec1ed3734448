"""What a failed run of a network means: whether fewer units would fit, another unit would do, or the device is lost.

onnxruntime raises the same exception classes for all three, so its words decide. They are those of its arena (CPU and
CUDA alike), of the C++ allocator, of the CUDA, cuBLAS and cuDNN calls it wraps, and of TensorRT.
"""

import re


class NetworkError(Exception):
    """A run failed, or gave something that is no picture. The message names the network, nothing of the machine."""


class OutOfMemoryError(NetworkError):
    """The batch did not fit the device's memory; a smaller one may."""


class DeviceLostError(NetworkError):
    """The process can never use its device again; a new process can."""


OUT_OF_MEMORY = re.compile(
    r"failed to allocate memory|smaller than requested bytes|bad_alloc|bad allocation|out ?of ?memory"
    r"|ALLOC(?:ATION)?_FAILED",
    re.IGNORECASE,
)
LOST = re.compile(r"\bCUDA (?:failure|error) (\d+)|\b(?:CUBLAS|CUDNN|CUFFT|CURAND) failure \d+: ?(\w*)", re.IGNORECASE)

HARMLESS_CUDA = {1, 2, 9, 98, 209, 801}
"""Without harm to the context: invalid value, out of memory, invalid launch configuration or device function, no kernel
for this GPU, not supported. After any other failure of CUDA each further call fails too."""
HARMLESS_LIBRARY = re.compile(r"NOT_SUPPORTED|BAD_PARAM|INVALID_VALUE|ARCH_MISMATCH", re.IGNORECASE)


def kind_of(error: BaseException) -> type[NetworkError]:
    """The class that a failure of a runner belongs to."""
    if isinstance(error, MemoryError):
        return OutOfMemoryError
    words = str(error)
    if any(_is_lost(failure) for failure in LOST.finditer(words)):
        return DeviceLostError
    return OutOfMemoryError if OUT_OF_MEMORY.search(words) else NetworkError


def _is_lost(failure: re.Match[str]) -> bool:
    number, status = failure.groups()
    if number is not None:
        return int(number) not in HARMLESS_CUDA
    return not (OUT_OF_MEMORY.search(status) or HARMLESS_LIBRARY.search(status))
