"""index.html: all pictures and figures of a run, without a single request to elsewhere."""

from pathlib import Path

from demo.card import card, quality
from demo.files import PictureFiles
from demo.markup import document, escape, linked, paragraph, table
from demo.photos import Photo
from demo.report import groups
from demo.run import Run, Section
from demo.samples import Check, Outcome
from demo.table import told

PAGE_FILE = "index.html"
TIMES = ("queue_ms", "decode_ms", "infer_ms", "encode_ms")


def write(run: Run, folder: Path) -> None:
    """Write index.html and its pictures into `folder`."""
    files = PictureFiles(folder)
    parts = [_head(run), *(_section(section, files) for section in run.sections), _credits(run)]
    (folder / PAGE_FILE).write_text(document("Darkroom demo", "\n".join(parts)), encoding="utf-8")


def _head(run: Run) -> str:
    machine = run.machine
    where = (
        f"Measured on {run.made:%Y-%m-%d %H:%M} UTC: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; load before the run {machine['load_before']}; "
        f"configuration {run.config_name}. All requests, one after the other, took {run.requests_s:.0f} s with their "
        f"preparation and measuring; the server was ready after {run.ready_s:.1f} s."
    )
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    links = "".join(f'<a href="#{escape(s.name)}">{escape(s.demo.title)}</a>' for s in run.sections)
    verdict = ("good", "All figures hold.") if run.passed else ("bad", "Some figures miss their target.")
    left_out = "".join(paragraph(f"{name} is left out: {reason}", "quiet") for name, reason in run.left_out.items())
    return (
        "<header>\n<h1>Darkroom: real photographs through a real server</h1>\n"
        f"{paragraph(verdict[1], verdict[0])}\n{paragraph(where)}\n{paragraph(versions, 'quiet')}\n{left_out}\n"
        f"<nav>{links}</nav>\n</header>"
    )


def _section(section: Section, files: PictureFiles) -> str:
    weights = [f"{w.network}: {w.architecture}, weights {w.weights}, licence {w.licence}" for w in section.weights]
    random = [line for line in weights if "random" in line]
    parts = [
        f'<section id="{escape(section.name)}">\n<h2>{escape(section.demo.title)}</h2>',
        paragraph(section.demo.text),
        *(paragraph(f"{line}: what comes out means nothing as a picture.", "random") for line in random),
        _group_table(section),
        _check_table(section),
        _networks([line for line in weights if line not in random]),
        *(card(section.name, outcome, files) for outcome in section.outcomes),
        f"<details><summary>Every request: quality and times</summary>\n{_request_table(section)}</details>",
        "</section>",
    ]
    return "\n".join(parts)


def _networks(lines: list[str]) -> str:
    if not lines:
        return ""
    return "<details><summary>Networks, weights and licences</summary>\n{}</details>".format(
        "\n".join(paragraph(line, "quiet") for line in lines)
    )


def _group_table(section: Section) -> str:
    rows = [
        [escape(name), str(count), quality(baseline), quality(result)]
        for name, (count, baseline, result) in groups(section).items()
    ]
    return table("PSNR / SSIM, averaged", ("pictures", "count", "without", "restored"), rows, numbers_from=1)


def _check_table(section: Section) -> str:
    rows = [[escape(check.name), escape(told(check)), _verdict(check)] for check in section.checks]
    return table("What must hold", ("figure", "found", ""), rows, numbers_from=3)


def _verdict(check: Check) -> str:
    return '<span class="good">holds</span>' if check.passed else '<span class="bad">missed</span>'


def _request_table(section: Section) -> str:
    head = ("picture", "without", "restored", "tiles", *(name.replace("_", " ") for name in TIMES), "gRPC s", "HTTP s")
    rows = [_request(outcome) for outcome in section.outcomes]
    return table("Times in the server as its report tells them; seconds seen by the client", head, rows, numbers_from=1)


def _request(outcome: Outcome) -> list[str]:
    told = [outcome.report.get(key) for key in ("tiles", *TIMES)]
    seconds = [outcome.seconds.get("grpc"), outcome.seconds.get("http")]
    return [
        escape(outcome.sample.title),
        quality(outcome.baseline_quality),
        quality(outcome.quality),
        *("–" if value is None else escape(str(value)) for value in told),
        *("–" if value is None else f"{value:.2f}" for value in seconds),
    ]


def _credits(run: Run) -> str:
    shown: dict[str, Photo] = {}
    for section in run.sections:
        shown |= {outcome.sample.photo.name: outcome.sample.photo for outcome in section.outcomes}
    rows = [
        [escape(p.title), linked(p.by), linked(p.licence), linked(p.source), escape(p.package)] for p in shown.values()
    ]
    head = ("photo", "by", "licence", "from", "carried by")
    return (
        '<footer>\n<h2 id="credits">Photographs</h2>\n'
        f"{paragraph('Shown degraded and restored, as told above each; otherwise unchanged.', 'quiet')}\n"
        f"{table('With thanks', head, rows, numbers_from=5)}\n</footer>"
    )
