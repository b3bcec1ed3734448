"""The `jobs` model: answers questions about running jobs, one JSON object in, one out."""

import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkroom.board import BoardReader
from darkroom.errors import BadOptionError, NotAllowedError, quoted
from darkroom.options import MAX_ID
from darkroom.published import Published

ACTIONS = ("state", "cancel", "totals", "list", "versions")
ADMIN_HEADER = "darkroom-admin-key"
ADMIN_KEY_FILE = "DARKROOM_ADMIN_KEY_FILE"
CALM_BACKLOG_S = 15.0
"""A server whose engines have less than this to do together takes nearly every job (half of the default deadline);
whoever was refused all the same, by Triton's full queue, is asked to come back when a quarter of it is done."""


class Jobs:
    """Queries by action: `state` and `cancel` of one job by its id (whoever knows the id may), `totals` of all
    engines; for holders of the admin key, `list` of all jobs and `versions` in the model repository."""

    def __init__(self, board: BoardReader, own_folder: Path | None = None) -> None:
        """`own_folder`: where the model repository holds the `jobs` model; without it no versions are known."""
        self._board = board
        self._published = Published(own_folder, board)

    def answer(self, query: str, parameters: Mapping[str, Any]) -> str:
        """`query`: {"action": ..., "id": ...}. Raises BadOptionError naming what was wrong, NotAllowedError
        without the admin key where one is needed."""
        try:
            asked = json.loads(query)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            raise BadOptionError('query must be one JSON object like {"action": "state", "id": "..."}.')
        action = asked.get("action")
        if action not in ACTIONS:
            raise BadOptionError(f"action must be one of {', '.join(ACTIONS)}, got {quoted(action)}.")
        if action == "totals":
            return json.dumps(self._totals())
        if action == "list":
            _require_admin(parameters)
            return json.dumps({"jobs": self._board.jobs()})
        if action == "versions":
            _require_admin(parameters)
            return json.dumps(self._published.listing())
        job_id = asked.get("id")
        if not isinstance(job_id, str) or not 1 <= len(job_id) <= MAX_ID or not _sendable(job_id):
            raise BadOptionError(f"id must be the id of a job, got {quoted(job_id)}.")
        if action == "cancel":
            return json.dumps({"id": job_id, "cancelled": self._board.cancel(job_id)})
        return json.dumps(self._board.job(job_id) or {"id": job_id, "state": "unknown"})

    def _totals(self) -> dict[str, Any]:
        engines = self._board.engines()
        # they share one device, so the longest waits for all of them
        backlog = sum(float(engine["backlog_s"]) for engine in engines if engine["alive"])
        return {"engines": engines, "retry_after_s": round(max(0.1, backlog / 4, backlog - CALM_BACKLOG_S), 2)}


def _sendable(text: str) -> bool:
    """JSON may spell half a surrogate pair; no request can have had such an id."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _require_admin(parameters: Mapping[str, Any]) -> None:
    given = next((str(value) for key, value in parameters.items() if key.lower() == ADMIN_HEADER), "")
    file = os.environ.get(ADMIN_KEY_FILE)
    expected = Path(file).read_text().strip() if file and Path(file).is_file() else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotAllowedError(f"This query needs the header {ADMIN_HEADER} with the server's admin key.")
