"""A real headless Chromium, and what its pages must never do."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, by DARKROOM_CHROMIUM or on the path. Fails where there is none: the page must not go untested."""
    path = os.environ.get("DARKROOM_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "the page's tests need Chromium: apt-get install chromium, or name one in DARKROOM_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def page_of(browser: Browser, url: str, *, phone: bool = False) -> Iterator[Page]:
    """A page of its own on the gateway's first page. Errors in scripts and requests to anybody else fail."""
    context = browser.new_context(viewport=PHONE if phone else DESKTOP, has_touch=phone, is_mobile=phone)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    page.on(
        "request",
        lambda request: None if request.url.startswith((url, "blob:", "data:")) else wrong.append(request.url),
    )
    page.set_default_timeout(20_000)
    page.goto(url)
    page.wait_for_selector(".task")
    yield page
    context.close()
    assert not wrong, wrong
