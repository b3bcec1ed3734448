"""Faults of a simulated device, in the words that onnxruntime has for real ones: what the engine does about them can
be seen on a real server without breaking a GPU."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """None of a kind where it is 0."""

    oom: int = 0
    """Units of the largest batch that fits the memory."""
    poison: int = 0
    """The run of a network, warm-up counted in, on which the device is lost."""

    @classmethod
    def parse(cls, parts: Sequence[str]) -> "Faults":
        """Read ["oom=6", "poison=100"]. Raises ValueError."""
        numbers = {}
        for part in parts:
            name, _, number = part.strip().partition("=")
            if name not in ("oom", "poison") or int(number) < 1:
                raise ValueError(f"There is no fault {part}.")
            numbers[name] = int(number)
        return cls(**numbers)

    def strike(self, run: int, units: int) -> None:
        """Raise RuntimeError where the `run`-th run of a network, with a batch of `units`, fails."""
        if self.poison and run >= self.poison:
            raise RuntimeError("CUDA failure 700: an illegal memory access was encountered ; simulated")
        if self.oom and units > self.oom:
            raise RuntimeError(f"BFCArena: Failed to allocate memory for requested buffer of {units} units ; simulated")
