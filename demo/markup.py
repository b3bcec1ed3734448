"""HTML from text: everything that is not markup goes through `escape`."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

__all__ = ["document", "escape", "image", "linked", "paragraph", "table"]


def document(title: str, body: str) -> str:
    """A whole page that asks nothing of elsewhere: `body` is HTML, style and script are ours."""
    style, script = (Path(__file__).with_name(name).read_text() for name in ("page.css", "page.js"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n"
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """`text` is escaped; `kind` is a class of the style sheet."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def image(address: str, what: str, size: tuple[int, int], *, kind: str = "", style: str = "") -> str:
    """An image that is loaded when it comes into view; `what` is read out to those who do not see it."""
    more = (f' class="{kind}"' if kind else "") + (f' style="{style}"' if style else "")
    width, height = size
    return f'<img src="{escape(address)}" alt="{escape(what)}" width="{width}" height="{height}" loading="lazy"{more}>'


def linked(text: str) -> str:
    """Escape `text` and make its web addresses links."""
    words = (
        f'<a href="{escape(word)}">{escape(word)}</a>' if word.startswith("https://") else escape(word)
        for word in text.split(" ")
    )
    return " ".join(words)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int) -> str:
    """`rows` hold HTML, `head` and `caption` text; columns from `numbers_from` on are aligned right."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>' if i >= numbers_from else f"<{tag}>{cell}</{tag}>"
            for i, cell in enumerate(row)
        )

    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    titles = cells("th", [escape(title) for title in head])
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )
