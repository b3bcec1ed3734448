"""The model repository before Triton sees it: which models it has, and whether their networks are there."""

import compileall
from collections.abc import Mapping, Sequence
from pathlib import Path

from darkroom import config
from darkroom.server.distribution import has_gpu
from darkroom.server.errors import ServerError

CONFIG_NAMES = ("cpu", "a100", "simulated")
SIMULATE = "DARKROOM_SIMULATE"
_REMOTE = ("s3://", "gs://", "as://")


def is_remote(repository: Path | str) -> bool:
    """Whether Triton fetches the repository from an object store, where nothing of ours can look into it."""
    return str(repository).startswith(_REMOTE)


def find_repository(repository: Path | None) -> Path:
    """The folder to serve: `repository`, else `model_repository` here, else the one beside this package."""
    if repository is None:
        beside = Path(config.__file__).resolve().parents[1]
        candidates = [place / "model_repository" for place in (Path.cwd(), beside)]
        repository = next((place for place in candidates if place.is_dir()), None)
        if repository is None:
            raise ServerError("No model_repository folder here; name one with --repository DIR.")
    if not repository.is_dir():
        raise ServerError(f"The model repository {repository} is not a folder.")
    return repository.resolve()


def choose_models(repository: Path, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The wanted models, or all that have a config.pbtxt and a version. Raises ServerError for a missing one."""
    folders = sorted(path.parent for path in repository.glob("*/config.pbtxt"))
    there = [folder.name for folder in folders if versions(folder)]
    if not there:
        raise ServerError(f"{repository} has no model: a folder with a config.pbtxt and a version folder, such as 1.")
    for name in wanted or ():
        if name not in there:
            raise ServerError(f"There is no model {name!r} in {repository}; it has {', '.join(there)}.")
    return tuple(dict.fromkeys(wanted)) if wanted else tuple(there)


def versions(model: Path) -> list[Path]:
    """The version folders of a model, oldest first; Triton serves the last one."""
    numbered = (path for path in model.iterdir() if path.is_dir() and path.name.isdecimal() and int(path.name) > 0)
    return sorted(numbered, key=lambda path: int(path.name))


def compile_models(repository: Path, models: Sequence[str]) -> None:
    """Write the bytecode of each model.py now, if the folder can be written to.

    All versions: an older one may be pinned. Otherwise Python writes it while the model loads, and Triton then takes
    the model for a changed one: the next `load`, of this or any other version, would reload it for nothing.
    """
    for name in models:
        for version in versions(repository / name):
            compileall.compile_dir(version, maxlevels=0, quiet=2)


def config_file(model: Path, config_name: str) -> Path:
    """The configuration that Triton reads for this name: the model's own of that name, else its config.pbtxt."""
    named = model / "configs" / f"{config_name}.pbtxt"
    return named if named.is_file() else model / "config.pbtxt"


def choose_config_name(wanted: str | None, env: Mapping[str, str]) -> str:
    """`cpu`, `a100` or `simulated`: as wanted, else by DARKROOM_SIMULATE, else by whether a GPU is there."""
    simulate = env.get(SIMULATE, "").strip()
    if wanted is None:
        if simulate:
            return "simulated"
        return "a100" if has_gpu() else "cpu"
    if wanted not in CONFIG_NAMES:
        raise ServerError(f"The configuration must be one of {', '.join(CONFIG_NAMES)}; got {wanted!r}.")
    if wanted == "simulated" and not simulate:
        raise ServerError(f'The configuration "simulated" needs {SIMULATE}, for instance {SIMULATE}="8,2".')
    return wanted


def check_exports(repository: Path, models: Sequence[str]) -> None:
    """Raise ServerError naming every model whose newest version lacks an exported network."""
    lacking = [sentence for name in models if (sentence := _lack(repository / name))]
    if lacking:
        raise ServerError("\n".join([*lacking, "Run `make export` to export what is missing."]))


def _lack(model: Path) -> str | None:
    version = versions(model)[-1]
    subject = f"{model.name}, version {version.name}"
    if not (version / config.PIPELINE_FILE).is_file():
        return None  # a model without networks, such as `jobs`
    try:
        if not config.load_pipeline(version, cpu=False).networks:
            return None
        if not (version / config.NETWORKS_FILE).is_file():
            return f"{subject}: no network is exported ({config.NETWORKS_FILE} is missing)."
        missing = [r.file for r in config.load_networks(version).values() if not (version / r.file).is_file()]
    except config.ConfigError as error:
        return str(error)
    if missing:
        return f"{subject}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
    return None
