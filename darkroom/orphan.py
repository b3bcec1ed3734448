"""A model process ends with its server: Triton's stub does not always notice that tritonserver was killed."""

import logging
import os

from darkroom.engine import Engine

log = logging.getLogger("darkroom")


class ParentWatch:
    """Ends this process when the one that started it is gone: nobody could be answered any more."""

    def __init__(self) -> None:
        self._parent = os.getppid()

    def look(self, engine: Engine) -> None:
        """Call it often; does not return once the parent is gone."""
        if os.getppid() != self._parent:
            log.error("tritonserver is gone; so is this model.")
            os._exit(1)
