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
    """ "29.952 dB (at least 29.9)", "RGBA", or "L, must be RGBA"."""
    if isinstance(check.wanted, str) or isinstance(check.found, str):
        return str(check.found) if check.passed else f"{check.found}, must be {check.wanted}"
    unit = f" {check.unit}" if check.unit else ""
    rounded = " when rounded" if check.passed and check.found < check.wanted else ""
    return f"{check.found:.3f}{unit} (at least {check.wanted:g}{rounded})"


def _text(quality: Quality | None) -> str:
    return f"{quality.psnr:.2f} dB / {quality.ssim:.3f}" if quality else "-"
