"""What unit and integration tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """The model repository of this checkout."""
    return Path(__file__).parents[1] / "model_repository"
