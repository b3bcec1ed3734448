"""Changing what is served, over Triton's model-control API: once, as coroutines over a link.

A version that was served goes on until the one that replaces it is ready, then finishes its jobs and leaves. What is
measured about it stands in docs/models.md.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from darkroom_client.core import Core
from darkroom_client.errors import BadOption, DarkroomError, LoadFailed, NotAllowed, NotServed
from darkroom_client.failures import translate
from darkroom_client.inspection import ask
from darkroom_client.link import About, Question
from darkroom_client.models import Change, ModelVersions, chosen, words
from darkroom_client.wire import Failure

LOAD_TIMEOUT_S = 1800.0
"""A load may build TensorRT engines for minutes."""

PIN_PARAMETER = "darkroom_versions"
"""A parameter of the model's configuration that changes with every choice of versions. Triton keeps a version whose
files and configuration did not change as it is, and would go on telling the policy under which it was loaded."""


_NOTHING_SERVED = "It serves no version: take the newest out of the repository, then load it again."


class ModelControl:
    """Needs the admin key of the server in its core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def overview(self, names: Collection[str] = ()) -> list[ModelVersions]:
        """All models of the repository, or those named. Raises NotAllowed without the admin key."""
        index: dict[str, list[dict[str, Any]]] = {}
        for entry in await self._ask("index"):
            index.setdefault(entry["name"], []).append(entry)
        listing = await self._listing()
        for name in names:
            if name not in index:
                raise NotServed(f"There is no model {name!r}; the repository has {', '.join(sorted(index))}.")
        return [await self._one(name, index[name], listing) for name in names or sorted(index)]

    async def load(self, model: str, versions: Collection[int] = (), *, force: bool = False) -> Change:
        """Serve the newest version, which ends a pin; or exactly the `versions` named, side by side."""
        before = await self._find(model)
        if versions:
            return await self._serve(before, versions, force)
        _check_memory(before, before.published[-1:], force)
        # Reads a changed model folder anew, config.pbtxt included, and drops what was pinned. Of an unchanged one it
        # loads nothing and keeps the pin.
        await self._load(before)
        after = await self._find(model)
        if after.pinned or after.newer is not None:
            await self._choose(before, {"latest": {"num_versions": 1}}, "latest")
            after = await self._find(model)
        return Change(before, after)

    async def pin(self, model: str, version: int, *, force: bool = False) -> Change:
        """Serve this version until `unpin` or `load`, whatever is published meanwhile."""
        return await self._serve(await self._find(model), [version], force)

    async def rollback(self, model: str, *, force: bool = False) -> Change:
        """Pin the version before the one that is served."""
        before = await self._find(model)
        if not before.served:
            raise BadOption(f"No version of {model} is served, so there is none to go back from.")
        older = [version for version in before.published if version < before.served[-1]]
        if not older:
            raise BadOption(
                f"{model} has no version before {before.served[-1]}; the repository has {words(before.published)}."
            )
        return await self._serve(before, older[-1:], force)

    async def unload(self, model: str) -> Change:
        """Serve no version; jobs in work are finished. Callers get Unavailable until the next `load`."""
        before = await self._find(model)
        await self._ask("unload", model)
        return Change(before, await self._find(model))

    async def _find(self, model: str) -> ModelVersions:
        (found,) = await self.overview([model])
        return found

    async def _serve(self, before: ModelVersions, versions: Collection[int], force: bool) -> Change:
        wanted = tuple(sorted(set(versions)))
        missing = tuple(version for version in wanted if version not in before.published)
        if missing:
            raise BadOption(
                f"{before.name} has no version {words(missing)}; the repository has {words(before.published)}."
            )
        _check_memory(before, wanted, force)
        if not before.served:
            # Triton tells the configuration, which the choice is a part of, only of a model that it serves
            await self._load(before)
        await self._choose(before, {"specific": {"versions": list(wanted)}}, words(wanted))
        return Change(before, await self._find(before.name))

    async def _choose(self, before: ModelVersions, policy: Mapping[str, Any], mark: str) -> None:
        config = await self._ask("model_config", before.name)
        parameters = {**config.get("parameters", {}), PIN_PARAMETER: {"string_value": mark}}
        await self._load(before, {**config, "version_policy": policy, "parameters": parameters})

    async def _load(self, before: ModelVersions, config: Mapping[str, Any] | None = None) -> None:
        try:
            await self._ask("load", before.name, None if config is None else json.dumps(config))
        except LoadFailed as error:
            stays = f"What was served before ({words(before.served)}) goes on." if before.served else _NOTHING_SERVED
            raise LoadFailed(f"{before.name} could not be loaded: {_why(before.name, error.message)} {stays}") from None

    async def _one(self, name: str, entries: list[dict[str, Any]], listing: Mapping[str, Any]) -> ModelVersions:
        known = {int(entry["version"]): entry for entry in entries if entry.get("version")}
        served = tuple(sorted(version for version, entry in known.items() if entry.get("state") == "READY"))
        told = listing.get("models", {}).get(name)
        memory = {int(each["version"]): int(each["memory_bytes"]) for each in told or ()}
        published = tuple(sorted(known if told is None else memory))
        policy = (await self._ask("model_config", name)).get("version_policy") if served else None
        return ModelVersions(
            name=name,
            served=served,
            published=published,
            pinned=bool(chosen(policy)),
            state=_state(served, known),
            reason=_reason(published, known),
            memory=memory,
            available_bytes=listing.get("available_bytes"),
        )

    async def _listing(self) -> Mapping[str, Any]:
        """What the model `jobs` knows of the repository; {} where it is not served, or cannot tell."""
        try:
            return await self._core.engines.query("versions", headers=self._core.admin_headers)
        except DarkroomError:
            return {}

    async def _ask(self, about: About, model: str = "", config: str | None = None) -> Any:
        core = self._core
        if about not in ("load", "unload", "index"):
            return await ask(core, about, model)
        headers = {**core.headers, **core.admin_headers}
        try:
            return await core.link.ask(Question(about, model, "", headers, LOAD_TIMEOUT_S, config))
        except Failure as failure:
            error = translate(failure, core.link.address)
        if isinstance(error, NotAllowed):
            wrong = "the one given is not right" if core.admin_headers else "none was given"
            raise NotAllowed(f"Managing models needs the server's admin key; {wrong}.")
        raise error


def _check_memory(model: ModelVersions, wanted: Collection[int], force: bool) -> None:
    """The old version stays until the new one is ready, so the new one's memory comes on top."""
    unchanged = model.served == tuple(wanted)
    need = sum(model.memory.get(version, 0) for version in wanted)
    if force or unchanged or model.available_bytes is None or need <= model.available_bytes:
        return
    raise LoadFailed(
        f"{model.name} {words(tuple(wanted))} would need about {need / 2**20:.0f} MiB beside what is served until it "
        f"is ready, and {model.available_bytes / 2**20:.0f} MiB are left. Unload another model first, or force it."
    )


def _state(served: tuple[int, ...], known: Mapping[int, Mapping[str, Any]]) -> str:
    if served:
        return "READY"
    states = [str(known[version].get("state", "UNAVAILABLE")) for version in sorted(known)]
    passing = [state for state in states if state != "UNAVAILABLE"]
    return (passing or states or ["NOT LOADED"])[-1]


def _reason(published: tuple[int, ...], known: Mapping[int, Mapping[str, Any]]) -> str:
    entry = known.get(published[-1], {}) if published else {}
    reason = str(entry.get("reason") or "")
    return "" if reason in ("", "unloaded") else _why("", reason)


def _why(model: str, message: str) -> str:
    """Triton's report of a failed load as one sentence, without its stack."""
    cause = message.partition("\n\nAt:")[0]
    for words_before in ("Internal: ", "load failed for model"):
        cause = cause.rpartition(words_before)[2]
    cause = cause.removeprefix(f" '{model}': ").strip().rstrip(".;")
    return f"{cause}."
