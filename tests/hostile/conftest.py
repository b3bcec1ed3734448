"""A real server for hostile callers: one for all tests of this folder that do not mean to break it."""

from collections.abc import Iterator

import pytest

from darkroom.server import Server
from perf.gateway import running_gateway


@pytest.fixture(scope="session")
def quick() -> Iterator[Server]:
    """A simulated device that costs next to nothing: what is tried is all that comes before it."""
    environment = {"DARKROOM_SIMULATE": "2,0.2"}
    models = ["super_resolution", "jobs"]
    with Server(models=models, config_name="simulated", env=environment, exit_timeout_s=1) as running:
        yield running


@pytest.fixture(scope="session")
def quick_gateway(quick: Server) -> Iterator[str]:
    """The URL of a gateway in front of `quick`."""
    with running_gateway(quick.grpc_url) as (url, _):
        yield url
