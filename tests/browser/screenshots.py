"""Take the pictures of the page that the README shows: `python -m tests.browser.screenshots`.

A real server on the CPU enlarges a real photo (skimage's astronaut, shrunk and compressed). Needs `make export`.
"""

import io
import tempfile
from pathlib import Path

import skimage.data
from PIL import Image
from playwright.sync_api import Browser

from darkroom.server import Server
from tests.browser.browsing import chromium, page_of
from tests.unit.gateway.fakes import listening

IMAGES = Path("docs/images")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(config_name="cpu") as server,
        listening(triton=server.grpc_url) as url,
        chromium() as browser,
    ):
        photo = Path(folder) / "astronaut.jpg"
        whole = Image.fromarray(skimage.data.astronaut()).crop((70, 0, 390, 240))
        whole.resize((240, 180), Image.Resampling.BICUBIC).save(photo, quality=95)
        for name, phone in (("page-desktop", False), ("page-phone", True)):
            take(browser, url, photo, IMAGES / f"{name}.png", phone=phone)


def take(browser: Browser, url: str, photo: Path, target: Path, *, phone: bool) -> None:
    with page_of(browser, url, phone=phone) as page:
        page.set_input_files("#file", photo)
        page.get_by_role("button", name="Start").click()
        page.get_by_text("Done.").wait_for(timeout=120_000)
        if not phone:
            page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(300)
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # 256 colours are enough for a README, and a third of the bytes.
    shot.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
    print(f"{target}: {shot.width} x {shot.height}, {target.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
