"""All panels on one page of HTML that needs nothing but itself."""

import html
import time

from darkroom_client.cli.dashboard.chart import legend, svg
from darkroom_client.cli.dashboard.panels import ROWS, Panel
from darkroom_client.cli.dashboard.prometheus import Prometheus

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#222, #ddd); --paper: light-dark(#f4f4f2, #111);
  --card: light-dark(#fff, #1c1c1c); --faint: light-dark(#ddd, #3a3a3a); --dim: light-dark(#666, #999); }
body { font: 14px system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 1.4rem 0 .5rem; } p { color: var(--dim); margin: 0; }
main div { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: .8rem; }
section { background: var(--card); border: 1px solid var(--faint); border-radius: 6px; padding: .7rem; }
h3 { font-size: .9rem; margin: 0; } section p { font-size: .78rem; min-height: 2.2em; } svg { width: 100%; }
text { font-size: 10.5px; fill: var(--dim); } .empty { font-size: 13px; }
.grid { stroke: var(--faint); } .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
ul { list-style: none; margin: .2rem 0 0; padding: 0; font-size: .78rem; display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px; }
"""  # noqa: E501


def page(prometheus: Prometheus, minutes: float) -> str:
    """The last `minutes` as an HTML document. Raises BadOption, Unavailable."""
    end = time.time()
    start = end - 60 * minutes
    rows = []
    for row in ROWS:
        cards = "\n".join(_card(panel, prometheus, start, end) for panel in row.panels)
        rows.append(f"<h2>{html.escape(row.title)}</h2>\n<div>{cards}</div>")
    made = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(end))
    about = f"{made}, the last {minutes:g} min, from {html.escape(prometheus.url)}"
    head = f'<meta charset="utf-8"><title>Darkroom</title><style>{_STYLE}</style>'
    body = f"<h1>Darkroom</h1><p>{about}</p><main>{''.join(rows)}</main>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _card(panel: Panel, prometheus: Prometheus, start: float, end: float) -> str:
    lines = [line for query in panel.queries for line in prometheus.lines(query, start, end)]
    drawn = svg(lines, panel.unit, start, end)
    head = f"<h3>{html.escape(panel.title)}</h3><p>{html.escape(panel.about)}</p>"
    return f"<section>{head}{drawn}{legend(lines, panel.unit)}</section>"
