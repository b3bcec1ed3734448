"""Text encodings, kept by content: most prompts come many times, and the negative prompt nearly always."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray


class TextCache:
    """Token ids -> context, least recently used out first, bounded in bytes. One event loop owns it."""

    def __init__(self, max_bytes: int = 64 * 2**20) -> None:
        """64 MiB hold 277 encodings of Stable Diffusion 1 (77 x 768 float32)."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._contexts: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    def get(self, ids: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The context of these token ids, if it is here."""
        key = ids.tobytes()
        if (context := self._contexts.get(key)) is not None:
            self._contexts.move_to_end(key)
        return context

    def put(self, ids: NDArray[np.int64], context: NDArray[np.float32]) -> None:
        """Keep `context` [length, dim]; a copy, so that no batch it may be a view of stays alive with it."""
        key = ids.tobytes()
        if key in self._contexts or context.nbytes > self._max_bytes:
            return
        kept = context.copy()
        kept.flags.writeable = False
        self._contexts[key] = kept
        self._bytes += kept.nbytes
        while self._bytes > self._max_bytes:
            _, dropped = self._contexts.popitem(last=False)
            self._bytes -= dropped.nbytes

    def clear(self) -> None:
        """Forget everything."""
        self._contexts.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._contexts)
