"""What one step of the gate found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A step that was passed."""

    line: str
    """For the terminal."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For publication.json."""
