"""The page in a real Chromium, in front of a server that does as it is told."""

import asyncio
import io
import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from darkroom_client import JobState, Quote, Result, errors
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect

from tests.browser.browsing import page_of
from tests.unit.gateway.fakes import REPORT, FakeBackend, listening, picture

PHOTO = picture("jpeg", (320, 200))


class Scripted(FakeBackend):
    """Inverts the picture, so that before and after differ; refuses what it is told to refuse, once each."""

    refusals: list[Exception]
    refuse_after_s: float = 0.0
    wait_s: float = 0.0

    async def run(self, task: str, image: Any, **options: Any) -> Result:
        if self.refusals:
            await asyncio.sleep(self.refuse_after_s)
            raise self.refusals.pop(0)
        on_progress = options.get("on_progress")
        for state in self.states if on_progress else ():
            on_progress(state)
            await asyncio.sleep(self.wait_s)
        return await super().run(task, image, **options)

    async def quote(self, task: str, image: Any, **options: Any) -> Quote:
        raise AssertionError("the page asks for no quotes")


def inverted(data: bytes, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    before = Image.open(io.BytesIO(data)).convert("RGB")
    ImageOps.invert(before).resize((before.width * 2, before.height * 2)).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def backend() -> Scripted:
    scripted = Scripted(answer=inverted)
    scripted.refusals = []
    return scripted


@pytest.fixture
def url(backend: Scripted) -> Iterator[str]:
    with listening(backend, max_bytes=2_000_000) as running:
        yield running


def choose(page: Page, data: bytes = PHOTO, name: str = "holiday.jpg") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": data})


def finished(page: Page) -> None:
    expect(page.locator("#result")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Done")


def split(page: Page) -> float:
    return float(page.locator(".frame").evaluate("frame => parseFloat(frame.style.getPropertyValue('--split'))"))


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_from_photo_to_download(browser: Browser, url: str, backend: Scripted, phone: bool) -> None:
    with page_of(browser, url, phone=phone) as page:
        choose(page)
        page.get_by_label("Denoise").check()
        page.get_by_label("Strength").select_option("25")
        page.get_by_role("button", name="Start").click()
        finished(page)
        task, options = backend.calls[0]
        assert task == "denoise"
        assert options["strength"] == 25.0
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "holiday.denoise.png"
        assert Image.open(download.value.path()).size == (640, 400)
        expect(page.locator("#facts")).to_contain_text("ffdnet_color")
        # nothing sticks out sideways
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_progress_and_queue_estimate(browser: Browser, url: str, backend: Scripted) -> None:
    backend.states = [
        JobState("x", "waiting", eta_s=7.2),
        JobState("x", "running", units_done=10, units_total=40, eta_s=3.4),
        JobState("x", "running", units_done=30, units_total=40, eta_s=1.0),
    ]
    backend.wait_s = 0.6
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        status = page.locator("#status")
        expect(status).to_have_text("In line, about 8 s to go.")
        expect(status).to_have_text("Working: 10 of 40 tiles, about 4 s to go.")
        expect(page.locator("#progress")).to_have_js_property("value", 0.25)
        finished(page)
        expect(page.locator("#progress")).to_be_hidden()


def test_slider_by_keyboard_and_mouse(browser: Browser, url: str) -> None:
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        finished(page)
        assert split(page) == 50.0
        slider = page.get_by_role("slider")
        slider.focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        assert split(page) == 55.0
        page.keyboard.press("Home")
        assert split(page) == 0.0
        expect(slider).to_have_attribute("aria-valuetext", "100 % after")
        box = page.locator(".frame").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
        assert 70 < split(page) < 80
        # what the slider shows is really before on its left and after on its right
        shot = Image.open(io.BytesIO(page.locator(".frame").screenshot())).convert("L")
        left, right = shot.getpixel((shot.width // 4, 30)), shot.getpixel((shot.width * 7 // 8, 30))
        assert left < 100 < 155 < right


def test_everything_by_keyboard_alone(browser: Browser, url: str, backend: Scripted) -> None:
    with page_of(browser, url) as page:
        order = []
        for _ in range(8):
            page.keyboard.press("Tab")
            order.append(
                page.evaluate(
                    "document.activeElement.id || document.activeElement.name || document.activeElement.tagName"
                )
            )
        assert order[1] == "file"
        assert "task" in order
        choose(page)
        page.locator("input[name=task]:checked").focus()
        page.keyboard.press("ArrowDown")
        page.locator("#start").focus()
        page.keyboard.press("Enter")
        finished(page)
        assert backend.calls[0][0] == "denoise"


def test_a_dropped_photo(browser: Browser, url: str) -> None:
    with page_of(browser, url) as page:
        transfer = page.evaluate_handle(
            """bytes => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" }));
              return transfer;
            }""",
            list(PHOTO),
        )
        page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
        expect(page.locator("#file-name")).to_have_text("dropped.jpg")
        page.get_by_role("button", name="Start").click()
        finished(page)


def test_busy_is_said_plainly_and_tried_again(browser: Browser, url: str, backend: Scripted) -> None:
    with listening(backend, unfinished_jobs=1) as narrow, page_of(browser, narrow) as page:
        backend.states, backend.wait_s = [JobState("x", "running")], 2.5
        other = httpx.post(f"{narrow}/v1/denoise?async=true", content=PHOTO)
        assert other.status_code == 202
        choose(page)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#status")).to_contain_text("The server is busy. Trying again in 1 s.")
        backend.wait_s = 0
        finished(page)


@pytest.mark.parametrize("after_s", [0.0, 0.5], ids=["at once", "later"])
def test_the_server_being_busy_is_said_too(browser: Browser, url: str, backend: Scripted, after_s: float) -> None:
    backend.refusals, backend.refuse_after_s = [errors.Busy("All lines are full.", retry_after_s=1)], after_s
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#status")).to_contain_text("The server is busy. Trying again in")
        finished(page)


def test_a_bad_file_and_a_file_that_is_too_large(browser: Browser, url: str, backend: Scripted) -> None:
    backend.refusals = [errors.BadImage("The 9 bytes are not an image.")]
    with page_of(browser, url) as page:
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#status")).to_have_text("Choose a photo first.")
        choose(page, b"no photo!", "letter.jpg")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#status")).to_have_text("The 9 bytes are not an image.")
        expect(page.locator("#status")).to_have_class(re.compile("error"))
        expect(page.locator("#result")).to_be_hidden()
        choose(page, bytes(2_000_001), "large.jpg")
        expect(page.locator("#status")).to_have_text("This file is too large: at most 2 MB are allowed.")
        choose(page)  # and the next photo works
        page.get_by_role("button", name="Start").click()
        finished(page)


def test_cancel_stops_the_job(browser: Browser, url: str, backend: Scripted) -> None:
    backend.states, backend.wait_s = [JobState("x", "running", units_done=1, units_total=9)] * 50, 0.2
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#status")).to_contain_text("Working")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#status")).to_have_text("Cancelled.")
        expect(page.get_by_role("button", name="Start")).to_be_enabled()
        ends = time.monotonic() + 5
        while "unfinished_jobs 0.0" not in page.request.get(f"{url}/metrics").text():
            assert time.monotonic() < ends


@pytest.mark.parametrize(
    ("report", "words"), [({"simulated": True}, "simulated device"), ({"weights": "random, for testing"}, "mean")]
)
def test_pictures_that_mean_nothing_are_labelled(
    browser: Browser, url: str, backend: Scripted, report: dict[str, Any], words: str
) -> None:
    backend.report = {**REPORT, **report}
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        finished(page)
        expect(page.locator("#warning")).to_contain_text(words)


def test_a_format_that_the_browser_does_not_show_has_a_result_all_the_same(browser: Browser, url: str) -> None:
    with page_of(browser, url) as page:
        choose(page, picture("tiff"), "scan.tiff")
        page.get_by_role("button", name="Start").click()
        finished(page)
        expect(page.get_by_alt_text("After")).to_be_visible()
        expect(page.locator(".compare input")).to_be_hidden()


def test_who_knows_only_the_documentation_restores_a_photo(browser: Browser, url: str, tmp_path: Any) -> None:
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    with page_of(browser, url) as page:
        page.get_by_role("link", name="Documentation").click()
        article = page.locator("article#super_resolution")
        command = article.locator("pre code").first.inner_text()
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=30)
        assert Image.open(tmp_path / "result").size == (640, 400)
        article.locator("input[type=file]").set_input_files(
            {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": PHOTO}
        )
        article.get_by_role("button", name="Send").click()
        expect(article.get_by_alt_text("Result")).to_be_visible()
        shown = article.locator("[role=status] pre").inner_text()
        assert json.loads(shown)["network"] == "ffdnet_color"
        expect(page.locator("#paths")).to_contain_text("DELETE /v1/jobs/{job_id}")


def test_a_result_that_the_browser_cannot_show_can_be_downloaded(browser: Browser, url: str, backend: Scripted) -> None:
    backend.answer = lambda data, options: picture("tiff")
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#status")).to_have_text("Done. This browser cannot show the result: download it.")
        expect(page.locator("#compare")).to_be_hidden()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename.endswith(".tif")
        assert Image.open(download.value.path()).format == "TIFF"


def test_an_original_that_the_browser_cannot_show_has_no_broken_thumbnail(browser: Browser, url: str) -> None:
    with page_of(browser, url) as page:
        choose(page)
        expect(page.locator("#thumbnail")).to_be_visible()
        choose(page, picture("tiff"), "IMG_1.HEIC")
        expect(page.locator("#thumbnail")).to_be_hidden()
        expect(page.locator("#file-name")).to_have_text("IMG_1.HEIC")


def test_a_deadline_that_the_refusal_names_is_taken(browser: Browser, url: str, backend: Scripted) -> None:
    backend.refusals = [errors.DeadlinePassed("This job needs about 800 s.", deadline_s=900.0)]
    with page_of(browser, url) as page:
        choose(page)
        page.get_by_role("button", name="Start").click()
        finished(page)
    ((_, options),) = backend.calls
    assert options["deadline_s"] == 900.0
