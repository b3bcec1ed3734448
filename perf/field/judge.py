"""Sends a case and judges what comes back."""

from dataclasses import dataclass, replace

from perf.field.ask import Asker
from perf.field.case import Case, Finding, Outcome, Way


@dataclass(frozen=True)
class Verdict:
    """One case, sent one way."""

    case: Case
    way: Way
    outcome: Outcome
    findings: tuple[Finding, ...]
    bytes_in: int

    @property
    def right(self) -> bool:
        return all(finding.right for finding in self.findings)

    @property
    def figure(self) -> str:
        """The figures of all findings; of the wrong ones alone where there are any."""
        told = [f.figure for f in self.findings if f.figure and (self.right or not f.right)]
        return "; ".join(dict.fromkeys(told))

    def row(self) -> dict[str, object]:
        """For the table."""
        outcome = self.outcome
        kind = _format(outcome) if outcome.image else outcome.reason or "quote"
        return {
            "case": self.case.label,
            "source": self.case.source,
            "sent to": self.way.label,
            "bytes": self.bytes_in,
            "answer": f"{outcome.status} {kind}",
            "s": outcome.seconds,
            "figure": self.figure.replace("|", "/"),
            "verdict": "right" if self.right else "WRONG",
        }


def _format(outcome: Outcome) -> str:
    try:
        return outcome.view.format
    except Exception:  # no reader opens it
        return f"{outcome.image[:8]!r}"


def judge(case: Case, asker: Asker, *, first_only: bool = False) -> list[Verdict]:
    """A verdict for each way the case is sent."""
    data = case.file()
    beside = None if case.beside is None else case.beside()
    verdicts = []
    for way in case.sent()[:1] if first_only else case.sent():
        outcome = asker.ask(way, data)
        if beside is not None:
            outcome = replace(outcome, beside=asker.ask(way, beside))
        findings = tuple(_guarded(check, outcome) for check in case.checks)
        verdicts.append(Verdict(case, way, outcome, findings, len(data)))
    return verdicts


def _guarded(check: object, outcome: Outcome) -> Finding:
    assert callable(check)
    try:
        found = check(outcome)
    except Exception as error:  # an answer that no reader opens is a wrong answer, not the end of the run
        return Finding(f"cannot be read: {type(error).__name__}: {error}", False)
    assert isinstance(found, Finding)
    return found
