"""Normally distributed numbers from a seed: those that torch's CPU generator draws, without torch.

So a seed means the same picture here as in diffusers. Uniform numbers of 24 bits come from MT19937 (Matsumoto and
Nishimura 1998), seeded with the low 32 bits; sixteen at a time become normal ones by Box and Muller's transform, the
first eight giving the radii and the last eight the angles.
"""

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16
_MASK = np.uint32(2**24 - 1)


class NormalGenerator:
    """One job's own stream. Not thread-safe."""

    def __init__(self, seed: int) -> None:
        """`seed`: 0 to 2**63 - 1."""
        self._twister = np.random.RandomState(seed & 0xFFFFFFFF)

    def draw(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """float32, mean 0, standard deviation 1; equal to torch.randn's to within rounding from 16 values on."""
        count = int(np.prod(shape))
        whole = count - count % _BLOCK
        uniform = self._uniform(count)
        values = np.empty(count, np.float32)
        values[:whole] = _box_muller(uniform[:whole])
        if whole < count:
            # The end that fills no block is drawn anew, together with the numbers before it.
            last = _box_muller(self._uniform(_BLOCK))
            values[-_BLOCK:] = last[-min(count, _BLOCK) :]
        return values.reshape(shape)

    def _uniform(self, count: int) -> NDArray[np.float32]:
        bits = self._twister.randint(0, 2**32, count, dtype=np.uint32)
        return (bits & _MASK).astype(np.float32) * np.float32(2**-24)


def _box_muller(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    blocks = uniform.reshape(-1, 2, _BLOCK // 2)
    radius = np.sqrt(np.float32(-2) * np.log(np.float32(1) - blocks[:, 0]))
    angle = np.float32(2 * np.pi) * blocks[:, 1]
    values: NDArray[np.float32] = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return values.reshape(-1)
