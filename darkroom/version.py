"""A loaded model version: its folder, its tunables, its networks on their device."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.config import WIDE_SUFFIX, ConfigError, NetworkRecord, PipelineConfig, load_networks, load_pipeline
from darkroom.digest import sha256
from darkroom.engine.simulated import SimulatedRunner, Simulation
from darkroom.network import Network, Releasing, Runner
from darkroom.runners import LazyRunner, open_runner


@dataclass(frozen=True)
class ModelVersion:
    """What a pipeline works with. `networks` are keyed as in `pipeline.json`; NAME_16bit, where the version has it, is
    NAME for 16-bit samples."""

    task: str
    number: str
    path: Path
    config: PipelineConfig
    networks: dict[str, Network]
    simulated: bool = False

    @classmethod
    def load(cls, path: Path, task: str, number: str, *, gpu: bool) -> "ModelVersion":
        """Load every network of the version folder. Raises ConfigError with a sentence for the operator."""
        simulation = Simulation.from_environment()
        config = load_pipeline(path, cpu=not gpu and simulation is None)
        # A task that computes without networks is not exported, and has no networks.json.
        records = load_networks(path) if config.networks else {}
        config = _with_wide(config, records)
        networks = {}
        for name, tunables in config.networks.items():
            if name not in records:
                raise ConfigError(f"{path}: the network {name} is not exported; `make export` does it.")
            record = records[name]
            runner = _runner(path, name, record, config, gpu=gpu, simulation=simulation)
            most = tunables.max_batch or config.engine.max_batch
            networks[name] = Network(name, runner, record, max_batch=most, pad_batches=gpu)
        return cls(task, number, path, config, networks, simulated=simulation is not None)

    @property
    def choices(self) -> list[str]:
        """The networks that callers may name, sorted: for 16-bit samples their twins are taken by themselves."""
        return sorted(name for name in self.networks if not name.endswith(WIDE_SUFFIX))

    def has_bits(self, network: Network, bits: int) -> bool:
        """Whether this version computes `network` in samples of 8 or 16 bits."""
        return bits == 8 or network.name + WIDE_SUFFIX in self.networks

    def for_bits(self, network: Network, bits: int) -> Network:
        """The same network for samples of 8 or 16 bits. Raises KeyError where this version has none."""
        return network if bits == 8 else self.networks[network.name + WIDE_SUFFIX]

    def release_memory(self) -> None:
        """Free what the networks keep between batches."""
        for network in self.networks.values():
            if isinstance(network.runner, Releasing):
                network.runner.release_memory()

    def close(self) -> None:
        """Free the networks; their last runs have begun."""
        for network in self.networks.values():
            network.close()


def _with_wide(config: PipelineConfig, records: dict[str, NetworkRecord]) -> PipelineConfig:
    """The tunables with an entry for each exported NAME_16bit of a network NAME that they list."""
    wide = {f"{name}{WIDE_SUFFIX}": tunables for name, tunables in config.networks.items()}
    exported = {name: tunables for name, tunables in wide.items() if name in records}
    return config.model_copy(update={"networks": exported | config.networks}) if exported else config


def _runner(
    path: Path, name: str, record: NetworkRecord, config: PipelineConfig, *, gpu: bool, simulation: Simulation | None
) -> Runner:
    if simulation is not None and record.simulated != "compute":
        return SimulatedRunner(simulation.of(name), record)
    for name_of_file, expected in {record.file: record.sha256, **record.files}.items():
        _check(path, name_of_file, expected)
    file = path / record.file
    try:
        # few pictures have 16 bits: on a CPU their networks are opened by the first, which takes a second; on a GPU,
        # where it may take minutes, at the start
        lazy = record.bits == 16 and not gpu
        runner = (
            LazyRunner(lambda: open_runner(file, record, config, gpu=gpu))
            if lazy
            else open_runner(file, record, config, gpu=gpu)
        )
    except Exception as error:  # onnxruntime has one class an error code, and no base of its own; OpenVINO RuntimeError
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"{file} cannot be loaded: {reason}; {_remedy(path)}") from error
    return SimulatedRunner(simulation.of(name), record, runner) if simulation is not None else runner


def _check(version: Path, name: str, expected: str) -> None:
    file = version / name
    if not file.is_file():
        raise ConfigError(f"{file} is missing; `make export` writes it.")
    digest = sha256(file)
    if digest != expected:
        raise ConfigError(
            f"{file} is not the file that was exported (sha256 {digest[:16]}, expected {expected[:16]}); "
            + _remedy(version)
        )


def _remedy(version: Path) -> str:
    if version.name == "1":
        return "`make export` writes it anew."
    return f"`python -m export {version.parent.name} --publish` makes a new version."
