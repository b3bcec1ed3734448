"""`darkroom.models`: the two clients' side of `models_control`."""

from darkroom_client import inspection
from darkroom_client.core import Core
from darkroom_client.inspection import Model
from darkroom_client.link import drive
from darkroom_client.models import Change, ModelVersions
from darkroom_client.models_control import ModelControl


class Models:
    """Versions of models: which are served, and changing that without a gap.

        darkroom.models.load("denoise")          # the newest version in the repository
        darkroom.models.rollback("denoise")      # the one before, pinned
        darkroom.models.load("denoise", 1, 2)    # both, to compare: denoise(photo, model_version=1)

    All but calling it needs the admin key, and raises NotAllowed without it; BadOption for a model or version that is
    not there; LoadFailed where a version cannot be loaded, or `force` is off and the memory would not suffice.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._control = ModelControl(core)

    def __call__(self) -> list[Model]:
        """All models as Triton lists them; without the admin key, those that are ready."""
        return drive(inspection.models(self._core))

    def overview(self, *names: str) -> list[ModelVersions]:
        """The models of the repository (or those named), what is served of them, and whether something newer is
        there."""
        return drive(self._control.overview(names))

    def load(self, model: str, *versions: int, force: bool = False) -> Change:
        """Serve the newest version, which ends a pin; or exactly the `versions` named, side by side."""
        return drive(self._control.load(model, versions, force=force))

    def unload(self, model: str) -> Change:
        """Serve no version; jobs in work are finished. Callers get Unavailable until the next `load`."""
        return drive(self._control.unload(model))

    def rollback(self, model: str, *, force: bool = False) -> Change:
        """Pin the version before the one that is served."""
        return drive(self._control.rollback(model, force=force))

    def pin(self, model: str, version: int, *, force: bool = False) -> Change:
        """Serve this version until `unpin` or `load`, whatever is published meanwhile."""
        return drive(self._control.pin(model, version, force=force))

    def unpin(self, model: str, *, force: bool = False) -> Change:
        """Serve the newest version again: the same as `load` without versions."""
        return drive(self._control.load(model, force=force))


class AsyncModels:
    """The same on an event loop: every method of `Models`, to be awaited."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._control = ModelControl(core)

    async def __call__(self) -> list[Model]:
        return await inspection.models(self._core)

    async def overview(self, *names: str) -> list[ModelVersions]:
        return await self._control.overview(names)

    async def load(self, model: str, *versions: int, force: bool = False) -> Change:
        return await self._control.load(model, versions, force=force)

    async def unload(self, model: str) -> Change:
        return await self._control.unload(model)

    async def rollback(self, model: str, *, force: bool = False) -> Change:
        return await self._control.rollback(model, force=force)

    async def pin(self, model: str, version: int, *, force: bool = False) -> Change:
        return await self._control.pin(model, version, force=force)

    async def unpin(self, model: str, *, force: bool = False) -> Change:
        return await self._control.load(model, force=force)
