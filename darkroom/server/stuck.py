"""Telling a stuck engine from a busy one, by what it writes on the board."""

from collections.abc import Mapping
from typing import Any

from darkroom.server.policy import Policy


def why_stuck(engine: Mapping[str, Any], now: float, policy: Policy) -> str | None:
    """What is wrong with an engine whose process lives, as the middle of a sentence; None while nothing is.

    `engine`: its file on the board. `now`: seconds of the machine's monotonic clock. However long its line and however
    slow its batches: an engine that writes, listens and finishes batches is only busy.
    """
    silent_s = now - float(engine["written_at"])
    if silent_s > policy.silent_s:
        return f"it has given no sign of life for {silent_s:.0f} s"
    if engine["loop_silent_s"] > policy.silent_s:
        return f"its event loop has not answered for {engine['loop_silent_s']:.0f} s"
    took_s, expected_s = engine["slowest_batch_s"], engine["slowest_batch_expected_s"]
    if took_s > max(policy.slow_batch_s, policy.slow_batch_factor * expected_s):
        return f"a batch of about {expected_s:.1f} s has been on the device for {took_s:.0f} s"
    return None
