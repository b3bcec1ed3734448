"""One HTML page of all measurements that lie in out/perf: tables, plots, and for each its command, machine and date."""

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perf.harness import OUT, cell

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
table { border-collapse: collapse; margin: .5rem 0; display: block; overflow-x: auto }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .7rem; text-align: left; font-variant-numeric: tabular-nums }
code { background: #f3f3f3; padding: .1rem .3rem } img { max-width: 100% } .made { color: #666; font-size: 13px }
"""
FIRST = ("before_after", "overload", "fairness", "ceiling")
"""What a reader wants to see first."""


def write_page(folder: Path = OUT) -> Path:
    """Write `folder`/index.html from every *.json in it, and return its path."""
    from perf.figures import plots  # matplotlib takes a second: not in every measurement

    sections, contents = [], []
    files = sorted(folder.glob("*.json"), key=lambda file: (file.stem not in FIRST, file.stem))
    for file in files:
        content = json.loads(file.read_text())
        if not isinstance(content, dict) or not content.get("rows"):
            continue
        figure = folder / f"{file.stem}.svg"
        if file.stem in plots.PLOTS:
            plots.PLOTS[file.stem](content, figure)
        sections.append(_section(file.stem, content, figure if file.stem in plots.PLOTS else None))
        contents.append(f'<a href="#{file.stem}">{_title(file.stem)}</a>')
    body = f"<h1>Darkroom, measured</h1><p>{' · '.join(contents)}</p>{''.join(sections)}"
    head = f'<meta charset="utf-8"><title>Darkroom, measured</title><style>{STYLE}</style>'
    path = folder / "index.html"
    path.write_text(f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>\n")
    return path


def _section(name: str, content: Mapping[str, Any], figure: Path | None) -> str:
    machine = content["machine"]
    made = f"{machine['cpu']}, {machine['memory']}, Python {machine['python']}, {machine['date']}"
    picture = f'<img alt="{_title(name)}" src="{_embedded(figure)}">' if figure else ""
    note = f"<p>{html.escape(content['note'])}</p>" if "note" in content else ""
    return (
        f'<h2 id="{name}">{_title(name)}</h2><p><code>{html.escape(content["command"])}</code> '
        f'<span class="made">{html.escape(made)}</span></p>{picture}{_table(content["rows"])}{note}'
    )


def _title(name: str) -> str:
    return html.escape(name.replace("_", " ").capitalize())


def _embedded(figure: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(figure.read_bytes()).decode()}"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = list(rows[0])
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    lines = ("".join(f"<td>{html.escape(cell(row.get(name, '')))}</td>" for name in heads) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
