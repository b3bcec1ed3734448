"""The few lines that the terminal gets."""

from collections.abc import Iterator

from demo.metrics import Quality
from demo.report import groups
from demo.run import Run
from demo.samples import Check


def lines(run: Run) -> Iterator[str]:
    """Mean quality of each group before and after, then every check."""
    rows = [
        (section.name, name, str(count), _text(baseline), _text(result))
        for section in run.sections
        for name, (count, baseline, result) in groups(section).items()
    ]
    head = ("task", "pictures", "n", "without", "restored")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    for section in run.sections:
        for check in section.checks:
            yield f"{'ok    ' if check.passed else 'MISSED'}  {section.name}: {check.name}: {told(check)}"


def told(check: Check) -> str:
    """ "29.95 dB (at least 29.9)" or "RGBA (as it must)"."""
    found, wanted = (
        f"{v:g}" if isinstance(v, int) else f"{v:.3f}" if isinstance(v, float) else v
        for v in (check.found, check.wanted)
    )
    unit = f" {check.unit}" if check.unit else ""
    if isinstance(check.wanted, str):
        return found if check.passed else f"{found}, must be {wanted}"
    return f"{found}{unit} (at least {wanted.rstrip('0').rstrip('.')})"


def _text(quality: Quality | None) -> str:
    return f"{quality.psnr:.2f} dB / {quality.ssim:.3f}" if quality else "-"
