"""These tests talk to the same servers, in the same ways, as tests/integration do, and share its helpers."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "integration"))
