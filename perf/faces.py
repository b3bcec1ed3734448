"""The figures of face enhancement, on the CPU, through the server, with the networks of version 1.

    python -m perf.faces                  all of it; about five minutes on two cores
    python -m perf.faces --crowd 0        without the twenty faces, a minute

Landmarks are compared with those that facenet-pytorch's MTCNN finds on the same pictures (tests/data). Pictures for
the eye go to out/perf/faces/.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from darkroom_client import Darkroom

from darkroom.faces import alignment
from darkroom.faces.area import Pixels
from darkroom.faces.paste import mask
from darkroom.faces.warp import sample
from export.restorer import portrait
from perf import composites
from perf.harness import OUT, report, server

REFERENCE = Path("tests/data/faces_reference.json")
PICTURES = OUT / "faces"
PATIENCE_S = 1800.0
CROP = 165
"""Side of the aligned face crop in the portrait, pixels."""

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crowd", type=int, default=20, help="faces of the group photo; 0 leaves it out")
    crowd = parser.parse_args().crowd
    PICTURES.mkdir(parents=True, exist_ok=True)
    with server(["face_enhance"]) as running:
        client = Darkroom(running.grpc_url, deadline_s=PATIENCE_S)
        rows = [*counts(client), *landmarks(client), *restoration(client), *unchanged(client)]
        if crowd:
            rows += together(client, crowd)
    report("faces", rows)


def counts(client: Darkroom) -> list[Row]:
    """How many faces are found where."""
    pictures = {
        "astronaut": (np.asarray(composites.photo("astronaut")), 1),
        "three astronauts": (composites.group(3, columns=3), 3),
        "coffee": (np.asarray(composites.photo("coffee")), 0),
        "chelsea": (np.asarray(composites.photo("chelsea")), 0),
    }
    return [
        row(f"faces in {name}", len(found(client, pixels)), str(wanted)) for name, (pixels, wanted) in pictures.items()
    ]


def landmarks(client: Darkroom) -> list[Row]:
    """Distance from the reference's landmarks, pixels, on ten composites."""
    distances = []
    for picture in json.loads(REFERENCE.read_text())["pictures"]:
        faces = found(client, composites.varied(picture["seed"]), min_face=20, threshold=0.7)
        for wanted in picture["faces"]:
            worst = [np.linalg.norm(np.subtract(f["landmarks"], wanted["landmarks"]), axis=1).max() for f in faces]
            distances.append(min(worst, default=np.inf))
    return [row("landmarks from the reference's, 10 composites, worst (px)", max(distances), "<= 2")]


def restoration(client: Darkroom) -> list[Row]:
    """The worn portrait before and after, on the aligned face crop, and what changed around it."""
    clean, worn = portrait.photograph(), portrait.worn(portrait.photograph())
    started = time.perf_counter()
    answer = client.face_enhance(worn)
    seconds = time.perf_counter() - started
    result = answer.numpy()
    kept = client.face_enhance(worn, background="keep").numpy()
    save("portrait-worn", worn)
    save("portrait-restored", result)
    save("portrait-kept", kept)
    whole_before, whole_after = (portrait.quality(picture, clean)["psnr_db"] for picture in (kept, result))
    wanted = portrait.face(clean, CROP)
    before = portrait.quality(portrait.face(worn, CROP), wanted)
    after = portrait.quality(portrait.face(result, CROP), wanted)
    (face,) = answer.report.raw["faces"]
    back = alignment.invert(alignment.to_crop(np.array(face["landmarks"]), 512))
    outside = sample(mask(512), back, *worn.shape[:2]) < 1e-4
    return [
        row("worn portrait, face crop: PSNR (dB)", before["psnr_db"], ""),
        row("restored: PSNR (dB)", after["psnr_db"], f">= {before['psnr_db'] + 1.2:.1f}"),
        row("worn portrait, face crop: SSIM", before["ssim"], ""),
        row("restored: SSIM", after["ssim"], f">= {before['ssim'] + 0.05:.3f}"),
        row("whole picture, background=keep: PSNR (dB)", whole_before, ""),
        row("whole picture, background=restore: PSNR (dB)", whole_after, f">= {whole_before + 0.3:.1f}"),
        row(
            "background=keep: pixels changed outside the mask",
            int(np.any(kept[outside] != worn[outside], axis=-1).sum()),
            "0",
        ),
        row("portrait, request to answer (s)", seconds, ""),
    ]


def unchanged(client: Darkroom) -> list[Row]:
    """fidelity=1, greatest difference in grey levels."""
    pixels = composites.varied(5)
    result = client.face_enhance(pixels, fidelity=1.0).numpy()
    return [row("fidelity=1: largest difference (grey levels)", int(np.abs(result.astype(int) - pixels).max()), "<= 1")]


def together(client: Darkroom, count: int) -> list[Row]:
    """Seconds for `count` faces in one photo, and in as many photos of one face, one after the other."""
    crowd, single = composites.group(count, columns=5), np.asarray(composites.photo("astronaut"))
    in_one, result = timed(client, [crowd])
    save("crowd", crowd)
    save("crowd-restored", result)
    in_many, _ = timed(client, [single] * count)
    looking_in_one, _ = timed(client, [crowd], fidelity=1.0)
    looking_in_many, _ = timed(client, [single] * count, fidelity=1.0)
    return [
        row(f"{count} faces in one photo (s)", in_one, f"< {in_many:.0f}"),
        row(f"{count} photos of one face (s)", in_many, ""),
        row("of that finding them, in one photo (s)", looking_in_one, f"< {looking_in_many:.1f}"),
        row(f"of that finding them, in {count} photos (s)", looking_in_many, ""),
    ]


def timed(client: Darkroom, pictures: Sequence[Pixels], **options: Any) -> tuple[float, Pixels]:
    """Seconds for all pictures, one after the other, and the last result."""
    started = time.perf_counter()
    results = [client.face_enhance(pixels, **options).numpy() for pixels in pictures]
    return time.perf_counter() - started, results[-1]


def found(client: Darkroom, pixels: Pixels, **options: Any) -> list[dict[str, Any]]:
    """The faces of a picture; nothing is restored."""
    faces: list[dict[str, Any]] = client.face_enhance(pixels, fidelity=1.0, **options).report.raw["faces"]
    return faces


def row(what: str, value: float, wanted: str) -> Row:
    return {"what": what, "value": value, "wanted": wanted}


def save(name: str, pixels: Pixels) -> None:
    PIL.Image.fromarray(pixels).save(PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
