"""Loading one model afresh, whatever state its process is in, without touching the others."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from darkroom.board import sweep
from darkroom.server.canary import Verdict, probe
from darkroom.server.pins import override, pinned_versions
from darkroom.server.policy import Policy
from darkroom.server.runtime import remove_region
from darkroom.server.server import Server
from darkroom.server.stubs import Stub, kill
from darkroom.server.triton_api import ApiError

_LOOK_S = 0.05


class HealError(Exception):
    """The model does not answer after all; the message is the middle of a sentence that says why."""


class ServerStuckError(HealError):
    """tritonserver itself does not do what it is asked; only a restart helps."""


def heal(
    server: Server,
    model: str,
    config: Mapping[str, Any] | None,
    stubs: Callable[[], list[Stub]],
    *,
    stuck: bool,
    policy: Policy,
) -> None:
    """Unload and load the model, wait until its canary passes. Raises HealError.

    `config`: what was in force when it last answered, so that a pin or an override stays. `stubs`: the model's
    processes that live. `stuck`: they cannot be asked to end.
    """
    old = stubs()
    if stuck:
        for stub in old:
            kill(stub)
    api = server.api
    try:
        api.unload(model, policy.unload_s)
        # Callers who watch their jobs on the board learn now that these are lost.
        sweep(server.runtime_dir)
        api.load(model, _override(config), server.start_timeout_s)
    except ApiError as error:
        raise HealError(f"it does not load: {_one_line(str(error))}") from None
    except OSError:
        if not server.alive:
            raise HealError("tritonserver ended meanwhile") from None
        raise ServerStuckError("tritonserver does not reload it") from None
    _await_answer(server, model, policy)
    if stuck:
        for stub in old:
            remove_region(stub.region)


def _override(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """None loads the model as its file says, and so takes up a change of the file."""
    numbers = pinned_versions(config) if config else ()
    return override(config, numbers) if config and numbers else None


def _await_answer(server: Server, model: str, policy: Policy) -> None:
    give_up = time.monotonic() + policy.answers_within_s
    words = "it is not ready"
    while time.monotonic() < give_up and not server.stopping:
        try:
            ready = [
                s.version for s in server.api.index(policy.probe_timeout_s) if s.model == model and s.state == "READY"
            ]
            config = server.api.config(model, policy.probe_timeout_s) if ready else {}
        except (ApiError, OSError, json.JSONDecodeError) as error:
            words = str(error)
        else:
            probes = [probe(server.api, model, version, config, policy.probe_timeout_s) for version in ready]
            if probes and all(one.verdict in (Verdict.PASSED, Verdict.REFUSED) for one in probes):
                return
            words = next((one.words for one in probes if one.words), words)
        time.sleep(_LOOK_S)
    raise HealError(f"it does not answer after it was loaded: {_one_line(words)}")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300].rstrip(".")
