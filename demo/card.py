"""One sample on the page: its pictures whole, enlarged, and on top of each other."""

from demo.files import PictureFiles
from demo.markup import escape, image, paragraph
from demo.metrics import Quality
from demo.pictures import Picture
from demo.samples import Outcome

ZOOM = 4


def card(section: str, outcome: Outcome, files: PictureFiles) -> str:
    """HTML of one sample; its pictures are added to `files`."""
    sample = outcome.sample
    size = outcome.after.size
    shown = [picture for picture in (sample.before, sample.baseline, outcome.after, sample.original) if picture]
    panes = [(picture, files.add(f"{section}-{sample.name}-{picture.label}", picture)) for picture in shown]
    parts = [
        f"<h3>{escape(sample.title)}</h3>",
        paragraph(sample.recipe, "quiet"),
        paragraph(_figures(outcome)),
    ]
    if sample.tell:
        parts.append(paragraph(sample.tell(outcome)))
    parts.append(_strip([_whole(picture, address, sample.title, size) for picture, address in panes]))
    if sample.detail:
        enlarged = [_enlarged(picture, address, sample.title, size, sample.detail) for picture, address in panes]
        parts.append(_strip(enlarged))
    if sample.extras:
        extras = [
            (picture, files.add(f"{section}-{sample.name}-extra-{i}", picture))
            for i, picture in enumerate(sample.extras(outcome), 1)
        ]
        parts.append(_strip([_whole(picture, address, sample.title, picture.size) for picture, address in extras]))
    under = sample.baseline or sample.before
    addresses = {id(picture): address for picture, address in panes}
    parts.append(_slider(under, addresses[id(under)], outcome.after, addresses[id(outcome.after)], sample.title, size))
    return '<article id="{}">\n{}\n</article>'.format(escape(f"{section}-{sample.name}"), "\n".join(parts))


def quality(value: Quality | None) -> str:
    """ "29.95 dB / 0.848", or a dash."""
    return f"{value.psnr:.2f} dB / {value.ssim:.3f}" if value else "–"


def _figures(outcome: Outcome) -> str:
    facts = []
    if outcome.quality:
        under = (outcome.sample.baseline or outcome.sample.before).label
        facts.append(f"{under}: {quality(outcome.baseline_quality)}, restored: {quality(outcome.quality)}")
    facts += [f"{protocol}: {seconds:.2f} s" for protocol, seconds in outcome.seconds.items()]
    if len(outcome.seconds) > 1:
        facts.append("same bytes" if outcome.same_bytes else "DIFFERENT BYTES")
    options = ", ".join(f"{name}={value}" for name, value in outcome.sample.options.items())
    return " · ".join([options, *facts] if options else facts)


def _strip(figures: list[str]) -> str:
    return '<div class="strip">\n{}\n</div>'.format("\n".join(figures))


def _whole(picture: Picture, address: str, title: str, size: tuple[int, int]) -> str:
    width, height = picture.size
    caption = f"{picture.label}, {width} × {height}"
    kind = "pixels chequered" if picture.size != size else "chequered"
    shown = image(address, f"{title}: {picture.label}", picture.size, kind=kind)
    return f'<figure><a href="{escape(address)}">{shown}</a><figcaption>{escape(caption)}</figcaption></figure>'


def _enlarged(picture: Picture, address: str, title: str, size: tuple[int, int], detail: tuple[int, int]) -> str:
    # The picture is laid out large and moved behind a window, so that the detail is in its middle at any width.
    (width, height), (x, y) = size, detail
    style = (
        f"width:{width * ZOOM}px;height:{height * ZOOM}px;left:calc(50% - {x * ZOOM}px);top:calc(50% - {y * ZOOM}px)"
    )
    shown = image(address, f"{title}: {picture.label}, enlarged", picture.size, kind="pixels", style=style)
    return (
        f'<figure><div class="loupe">{shown}</div>'
        f"<figcaption>{escape(picture.label)}, {ZOOM * 100} %</figcaption></figure>"
    )


def _slider(
    under: Picture, under_address: str, over: Picture, over_address: str, title: str, size: tuple[int, int]
) -> str:
    label = f"Slide between {under.label} (left) and {over.label} (right)"
    return (
        f"<details><summary>{escape(label)}</summary>\n"
        f'<div class="slide"><input type="range" min="0" max="100" value="50" aria-label="{escape(label)}">\n'
        f'<div class="slider">{image(under_address, f"{title}: {under.label}", size)}'
        f"{image(over_address, f'{title}: {over.label}', size)}</div></div></details>"
    )
