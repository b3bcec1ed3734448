"""The tasks of the demo: one file each, found by themselves.

A file `demo/tasks/<anything>.py` exports `DEMO`, a `demo.samples.Demo`:

    def samples() -> Iterator[Sample]:
        for photo in PHOTOS:
            noisy = degrade.add_noise(photo.pixels, 25, photo.seed)
            yield Sample(
                name=f"{photo.name}-25",
                group="sigma 25",                              # one line of the table
                title=photo.title,
                photo=photo,                                   # for the credits
                recipe="Gaussian noise of 25 grey levels",     # how `before` was made
                before=Picture("noisy", png(noisy)),           # what is sent
                options={"strength": 25},
                original=photo.original,
                measure=metrics.on_rgb,                        # result and baseline against the original
                detail=photo.detail,                           # shown at 400 %
            )

    def checks(outcomes: Sequence[Outcome]) -> list[Check]:
        return [at_least("sigma 25, PSNR", mean(outcomes, "sigma 25").psnr, 31.0, decimals=1, unit="dB")]

    DEMO = Demo("denoise", "Denoising", "Noise is added, and taken away again.", samples, checks, order=20)

Everything else is shared: the requests over gRPC and HTTP, that their bytes are equal, the measuring, the page, the
report and the table. A failed check fails the demo. A task without an original gives neither `original` nor
`measure`; sentences and pictures that depend on the answer come from `tell` and `extras`.
"""

import importlib
import pkgutil
from collections.abc import Iterable

from demo.samples import Demo


def discover(path: Iterable[str] | None = None, package: str = __name__) -> dict[str, Demo]:
    """File name -> DEMO of every file of `package`, in the order of the page.

    Raises ImportError for a file without a `DEMO`.
    """
    found = {}
    for module in pkgutil.iter_modules(__path__ if path is None else path):
        demo = getattr(importlib.import_module(f"{package}.{module.name}"), "DEMO", None)
        if not isinstance(demo, Demo):
            raise ImportError(f"{package}.{module.name} has no DEMO of type demo.samples.Demo")
        found[module.name] = demo
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))
