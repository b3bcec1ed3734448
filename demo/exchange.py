"""A sample goes to the server over each protocol; what comes back is compared and measured."""

import time
from collections.abc import Mapping

from darkroom_client import Darkroom

from demo.errors import DemoError
from demo.metrics import Quality
from demo.pictures import Picture
from demo.samples import Outcome, Protocol, Sample


def exchange(model: str, sample: Sample, clients: Mapping[Protocol, Darkroom]) -> Outcome:
    """Send `sample` over those of its protocols that `clients` has, one after the other, so that the times are those of
    a single caller.

    Raises what the client raises, and DemoError where the answer is not even of the original's size.
    """
    seconds: dict[Protocol, float] = {}
    results = []
    for protocol in (each for each in sample.protocols if each in clients):
        start = time.perf_counter()
        results.append(clients[protocol].run(model, sample.before.data, **sample.options))
        seconds[protocol] = time.perf_counter() - start
    after = Picture("after", results[0].bytes)
    return Outcome(
        sample=sample,
        after=after,
        report=results[0].report.raw,
        seconds=seconds,
        same_bytes=all(result.bytes == after.data for result in results),
        quality=_measure(sample, after),
        baseline_quality=_measure(sample, sample.baseline or sample.before),
    )


def _measure(sample: Sample, picture: Picture) -> Quality | None:
    if sample.measure is None or sample.original is None:
        return None
    if picture is sample.before and picture.size != sample.original.size:
        return None  # before and original differ in size, and nothing was named to compare with
    try:
        return sample.measure(picture.pixels(), sample.original.pixels())
    except ValueError as error:
        raise DemoError(f"{sample.title}: {picture.label!r} cannot be measured: {error}.") from None
