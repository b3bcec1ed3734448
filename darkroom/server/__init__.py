"""A real Triton Inference Server from pip, started, watched and stopped.

    with Server(models=["super_resolution"]) as server:
        tritonclient.grpc.InferenceServerClient(server.grpc_url)

On the command line: `python -m darkroom.server --help`. It stays on loopback unless told otherwise, because
the wheel's Triton 2.51 (release 24.10) has known holes that only later releases close.
"""

from darkroom.server.errors import ServerError
from darkroom.server.ports import Ports
from darkroom.server.server import Server

__all__ = ["Ports", "Server", "ServerError"]
