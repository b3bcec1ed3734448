"""What comes to a machine and what it has besides its device: kinds of pictures, and the host."""

from dataclasses import dataclass

from darkroom.config import EngineConfig, NetworkRecord, TilingConfig
from darkroom.engine import Price, Work
from darkroom.engine.price import answer_bytes
from darkroom.engine.simulated import SimulatedRunner, Simulation
from darkroom.network import Network
from darkroom.pipelines.tiled import WindowSize, window_of
from darkroom.tiling import Grid

Shape = tuple[int, ...]
"""Of a tile: height and width, pixels."""

OUTSTANDING = int(EngineConfig().window_batches * EngineConfig().max_batch)
"""Units of one job, at most."""
_RECORD = NetworkRecord(file="none", sha256="none", architecture="none", weights="none", licence="none")
NETWORK = Network("planned", SimulatedRunner(Simulation(0.0, 0.0), _RECORD), _RECORD)
"""Stands for the one network of a plan in prices. It never runs: what its batches take is its curve's business."""


@dataclass(frozen=True)
class Kind:
    """One kind of picture in the mix."""

    width: int
    height: int
    share: float
    """Of all requests, relative to the other kinds'."""
    tiles: dict[Shape, int]
    scale: int
    window: WindowSize

    @property
    def units(self) -> int:
        return sum(self.tiles.values())

    @property
    def pixels_in(self) -> int:
        return self.width * self.height

    @property
    def pixels_out(self) -> int:
        return self.pixels_in * self.scale**2

    def price(self, host: "Host") -> Price:
        """What admission sees of it: as of a task over tiles (`darkroom.service`)."""
        work = tuple(Work(NETWORK, shape, count) for shape, count in self.tiles.items())
        codec_s = self.pixels_in * host.decode_s + self.pixels_out * (host.place_s + host.encode_s)
        held = self.window.bytes + answer_bytes(self.pixels_out, 1, "jpeg")
        return Price(work, held, codec_s)  # this machine decodes, computes and encodes one after the other

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Host:
    """Seconds of the machine's processor, and its threads. The defaults are those of the 2-core machine in the README,
    rounded up, for JPEG; `python -m perf.plan --validate` measures them."""

    codec_threads: int = 2
    """Of each engine process."""
    decode_s: float = 8e-9
    """A pixel decoded."""
    encode_s: float = 1e-8
    """A pixel encoded."""
    place_s: float = 2e-9
    """A produced pixel put into its picture."""
    job_s: float = 3e-3
    """A job's share of everything else."""
    batch_s: float = 1e-3
    """From one batch to the next."""


def parse_mix(text: str, tiling: TilingConfig, scale: int) -> list[Kind]:
    """`256x256:3,1600x1200:1`: sizes and how often each comes, relative to the others. Raises ValueError."""
    kinds = []
    for part in text.split(","):
        size, _, share = part.partition(":")
        try:
            width, height = (int(side) for side in size.lower().split("x"))
            weight = float(share or 1)
        except ValueError:
            width = height = 0
            weight = 0.0
        if not (0 < width <= 16_000 and 0 < height <= 16_000 and weight > 0):
            raise ValueError(f'A mix is sizes in pixels with shares, like "256x256:3,1600x1200:1"; got "{part}".')
        grid = Grid(height, width, tiling)
        tiles: dict[Shape, int] = dict(grid.shapes().items())
        kinds.append(Kind(width, height, weight, tiles, scale, window_of(grid, scale, 3 * width, OUTSTANDING)))
    return kinds
