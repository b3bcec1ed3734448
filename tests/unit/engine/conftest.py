from collections.abc import Callable, Iterator
from typing import Any

import pytest

from darkroom.engine import Engine
from tests.unit.engine import fakes


@pytest.fixture
def make_engine() -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(**changes: Any) -> Engine:
        engine = fakes.engine(**changes)
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.stop(grace_s=0.0)
