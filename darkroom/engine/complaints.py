"""Say once what goes wrong again and again: threads that look twenty times a second must not fill the log."""

import logging

log = logging.getLogger("darkroom")

AT_MOST = 64
"""Kinds of failures told apart; beyond it whatever is new goes unsaid."""


class Complaints:
    """Logs the first failure of each kind: what was tried, and the class of the error."""

    def __init__(self) -> None:
        self._made: set[tuple[str, type[BaseException]]] = set()

    def make(self, sentence: str, error: BaseException) -> None:
        """Log `sentence` with the stack of `error`, unless an error of its class was logged with it before."""
        kind = (sentence, type(error))
        if kind not in self._made and len(self._made) < AT_MOST:
            self._made.add(kind)
            log.error("%s (said once)", sentence, exc_info=error)
