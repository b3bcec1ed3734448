"""Do the version's JSON files and the model's configurations parse, and say the same?"""

from pathlib import Path

from darkroom.config import ConfigError, NetworkRecord, PipelineConfig, load_networks, load_pipeline
from darkroom.digest import sha256
from darkroom.tiling import Grid
from export.errors import ExportError
from export.gate import model_config
from export.gate.finding import Finding
from export.release import Candidate

TRY_SIDE = 1000
"""Side of the picture that each tiling is tried on, pixels."""


def check(candidate: Candidate) -> Finding:
    """Raises ExportError for a file that does not load, a network that is named and not there, a tiling that cannot
    cover a picture, a config.pbtxt that is no task's."""
    try:
        configs = [load_pipeline(candidate.folder, cpu=cpu) for cpu in (False, True)]
        records = load_networks(candidate.folder)
    except ConfigError as error:
        raise ExportError(str(error).replace(str(candidate.folder), "the new version")) from None
    _files(candidate.folder, records)
    for config in configs:
        _networks(config, records)
        _tilings(config)
    parsed = model_config.load(candidate.task)
    model_config.agree(candidate.task, parsed, configs[0].limits.default_deadline_s)
    used = len(configs[0].networks)
    return Finding(f"{used} network{'' if used == 1 else 's'}, {len(parsed)} configurations")


def _files(folder: Path, records: dict[str, NetworkRecord]) -> None:
    for record in records.values():
        for file, digest in {record.file: record.sha256, **record.files}.items():
            if not (folder / file).is_file():
                raise ExportError(f"networks.json names {file}, which is not there.")
            if sha256(folder / file) != digest:
                raise ExportError(f"{file} is not the file that networks.json describes.")


def _networks(config: PipelineConfig, records: dict[str, NetworkRecord]) -> None:
    missing = sorted(config.networks.keys() - records.keys())
    if missing:
        raise ExportError(
            f"pipeline.json names {', '.join(missing)}; networks.json has {', '.join(sorted(records)) or 'none'}."
        )


def _tilings(config: PipelineConfig) -> None:
    for name, network in config.networks.items():
        if network.tiling is not None:
            try:
                Grid(TRY_SIDE, TRY_SIDE, network.tiling)
            except ValueError as error:
                raise ExportError(f"pipeline.json, networks.{name}.tiling: {error}.") from None
