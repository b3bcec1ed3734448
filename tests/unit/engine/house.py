"""Jobs admitted by the clock of the test: a device and threads that say what they are told to."""

from darkroom.engine.admission import Admission
from darkroom.engine.commitment import Commitment
from darkroom.engine.fair import FairLine
from darkroom.engine.line import PixelBudget
from darkroom.engine.price import Price, Work
from darkroom.errors import BusyError
from darkroom.network import Network
from tests.unit.engine.fakes import FakeRunner, network

NET = network(FakeRunner())


class Device:
    """10 ms a unit, whatever the batch."""

    running_until = 0.0
    mean_batch_s = 0.0

    def batch_limit(self, network: Network, shape: tuple[int, ...]) -> int:
        return 8

    def usual_batch(self, network: Network, shape: tuple[int, ...], limit: int) -> int:
        return limit

    def seconds(self, network: Network, shape: tuple[int, ...], units: int) -> float:
        return 0.010 * units


class House:
    """Jobs that were admitted, at a time that stands still."""

    def __init__(self) -> None:
        self.time = 100.0
        self.admission = Admission(Device(), PixelBudget(10**9), 2, lambda: self.time)
        self.jobs: list[Commitment] = []
        self._line: FairLine[None, str] = FairLine()

    def admit(self, units: int, codec_s: float = 0.0, within_s: float = 1.0) -> Commitment:
        price = Price((Work(NET, (4,), units),), 1000, codec_s)
        forecast = self.admission.admit(price, "interactive", within_s, self.jobs)
        job = Commitment(price, self._line.join("interactive"), self.time + within_s)
        job.promise(forecast, self.time)
        self.jobs.append(job)
        return job

    def fill(self, units: int, codec_s: float = 0.0, within_s: float = 1.0) -> int:
        """How many alike are admitted."""
        for count in range(1000):
            try:
                self.admit(units, codec_s, within_s)
            except BusyError:
                return count
        raise AssertionError("everybody is admitted")
