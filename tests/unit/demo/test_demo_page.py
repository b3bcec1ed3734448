"""The page: complete, without outside requests, and safe against what a text may hold."""

from html.parser import HTMLParser
from pathlib import Path

from demo import page
from demo.samples import at_least
from tests.unit.demo.fakes import outcome, picture, run, sample

VOID = {"meta", "link", "img", "input", "br"}


class Reader(HTMLParser):
    """Collects what is loaded, the text, and tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.alternatives: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if "src" in values:
            self.sources.append(values["src"])
        if tag == "img":
            self.alternatives.append(values["alt"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(folder: Path) -> tuple[Reader, str]:
    html = (folder / page.PAGE_FILE).read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader, html


def test_everything_shown_is_beside_the_page(tmp_path: Path) -> None:
    page.write(run([outcome(), outcome(sample("two"))]), tmp_path)
    reader, html = read(tmp_path)
    assert {"images/greying-one-after.png", "images/greying-one-before.png"} <= set(reader.sources)
    assert all((tmp_path / source).is_file() for source in reader.sources)
    assert all(reader.alternatives)
    assert len(reader.ids) == len(set(reader.ids))
    assert not any("//" in source for source in reader.sources)
    # only links, which people follow when they want to, may lead elsewhere
    assert html.count("https://") == 2 * html.count('<a href="https://')
    assert "url(" not in html
    assert "@import" not in html


def test_equal_pictures_are_written_once(tmp_path: Path) -> None:
    page.write(run([outcome(), outcome(sample("two"))]), tmp_path)
    assert len(list((tmp_path / "images").iterdir())) == 4


def test_texts_are_escaped(tmp_path: Path) -> None:
    nasty = '<script>alert("&")</script>'
    of = sample(title=nasty, recipe=nasty, options={"prompt": nasty}, tell=lambda _: nasty)
    result = run([outcome(of)], [at_least(nasty, 1.0, 2.0, decimals=1)], weights=nasty)
    result.left_out = {"other": nasty}
    page.write(result, tmp_path)
    reader, html = read(tmp_path)
    assert html.count("<script>") == 1
    assert reader.text.count(nasty) >= 7


def test_the_verdict_and_the_figures_are_told(tmp_path: Path) -> None:
    page.write(run([outcome()], [at_least("PSNR", 29.94, 29.9, decimals=1, unit="dB")]), tmp_path)
    text = read(tmp_path)[0].text
    assert "All figures hold." in text
    assert "29.940 dB (at least 29.9)" in text
    assert "bicubic: 20.00 dB / 0.500, restored: 30.00 dB / 0.900" in text
    assert "Rachel Michetti" in text


def test_a_missed_figure_is_told(tmp_path: Path) -> None:
    page.write(run([outcome(same_bytes=False)], [at_least("PSNR", 29.8, 29.9, decimals=1)]), tmp_path)
    text = read(tmp_path)[0].text
    assert "Some figures miss their target." in text
    assert "DIFFERENT BYTES" in text


def test_random_weights_are_marked(tmp_path: Path) -> None:
    page.write(run([outcome()], weights="random, for testing"), tmp_path)
    assert 'class="random"' in read(tmp_path)[1]


def test_a_sample_may_have_nothing_to_compare_with(tmp_path: Path) -> None:
    of = sample(baseline=None, original=None, measure=None, detail=None, extras=lambda _: [picture("faces", 5)])
    page.write(run([outcome(of, quality=None, baseline_quality=None)]), tmp_path)
    reader, _ = read(tmp_path)
    assert "images/greying-one-extra-1.png" in reader.sources
    assert "dB" not in reader.text
