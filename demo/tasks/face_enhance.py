"""Faces: a worn portrait restored, also enlarged along; three faces found in one picture, and none where none is."""

from collections.abc import Iterator, Sequence

from PIL import ImageDraw

from demo import metrics
from demo.photos import photo
from demo.pictures import Picture, Pixels, opened, png
from demo.samples import Check, Demo, Outcome, Sample, at_least, equal
from export.restorer import portrait
from perf import composites

PSNR_GAIN_DB, SSIM_GAIN = 1.2, 0.05
"""What restoration must gain on the worn portrait's face crop."""
CROP = 165
"""Side of the aligned face crop in the photo, pixels."""
WAIT = {"deadline_s": 600.0}
"""A face takes seconds on a CPU, and the machine may be busy."""
FACES = {"worn": 1, "worn-kept": 1, "worn-x2": 1, "three": 3, "coffee": 0, "chelsea": 0}

_WORN = "Gaussian blur of 1.2 pixels, noise of 12 grey levels, JPEG of quality 40."


def samples() -> Iterator[Sample]:
    worn = png(portrait.worn(portrait.photograph()))
    yield Sample(
        name="worn",
        group="worn portrait, face crop",
        title="Astronaut, worn",
        photo=photo("astronaut"),
        recipe=_WORN,
        before=Picture("worn", worn),
        options=WAIT,
        original=photo("astronaut").original,
        measure=on_face,
        detail=photo("astronaut").detail,
        tell=_told,
        extras=_drawn,
    )
    yield Sample(
        name="worn-kept",
        group="worn portrait, surroundings kept",
        title="Astronaut, worn, background=keep",
        photo=photo("astronaut"),
        recipe=_WORN,
        before=Picture("worn", worn),
        options={"background": "keep", **WAIT},
        detail=photo("astronaut").detail,
        protocols=("grpc",),
        tell=_told,
    )
    yield Sample(
        name="worn-x2",
        group="worn portrait, x2",
        title="Astronaut, worn, enlarged along",
        photo=photo("astronaut"),
        recipe=_WORN,
        before=Picture("worn", worn),
        options={"scale": 2, **WAIT},
        detail=(424, 216),
        protocols=("grpc",),
        tell=_told,
    )
    yield _found("three", "Three astronauts on a coffee table", "astronaut", png(composites.group(3, columns=3)))
    yield _found("coffee", "Coffee", "coffee", photo("coffee").original.data)
    yield _found("chelsea", "Chelsea", "chelsea", photo("chelsea").original.data)


def on_face(result: Pixels, original: Pixels) -> metrics.Quality:
    """Of the aligned face crop."""
    return metrics.on_rgb(portrait.face(result, CROP), portrait.face(original, CROP))


def checks(outcomes: Sequence[Outcome]) -> list[Check]:
    found = [
        equal(f"{outcome.sample.name}: faces", str(len(outcome.report["faces"])), str(FACES[outcome.sample.name]))
        for outcome in outcomes
    ]
    for outcome in outcomes:
        after, before = outcome.quality, outcome.baseline_quality
        if outcome.sample.name == "worn" and after and before:
            found += [
                at_least("face crop: PSNR gained", after.psnr - before.psnr, PSNR_GAIN_DB, decimals=2, unit="dB"),
                at_least("face crop: SSIM gained", after.ssim - before.ssim, SSIM_GAIN, decimals=3),
            ]
    return found


def _found(name: str, title: str, of: str, data: bytes) -> Sample:
    return Sample(
        name=name,
        group="faces found",
        title=title,
        photo=photo(of),
        recipe="As it is; fidelity=1, so faces are found and nothing is restored.",
        before=Picture("photo", data),
        options={"fidelity": 1.0, **WAIT},
        tell=_told,
        extras=_drawn,
    )


def _told(outcome: Outcome) -> str:
    faces = outcome.report["faces"]
    if not faces:
        return "No face was found; the picture came back as it was."
    scores = ", ".join(f"{face['score']:.4f}" for face in faces)
    return f"{len(faces)} face{'s' if len(faces) > 1 else ''} found, score {scores}."


def _drawn(outcome: Outcome) -> list[Picture]:
    faces = outcome.report["faces"]
    if not faces:
        return []
    image = opened(outcome.after.data).convert("RGB")
    pen = ImageDraw.Draw(image)
    for face in faces:
        pen.rectangle(face["box"], outline="lime", width=2)
        for x, y in face["landmarks"]:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill="red")
    return [Picture("faces found", png(image))]


DEMO = Demo(
    "face_enhance",
    "Face enhancement",
    "Every face is found (MTCNN, MIT), also where the picture lies on its side, aligned, restored (Real-ESRGAN, "
    "BSD-3-Clause) and blended back. A worn picture is denoised around its faces (FFDNet, MIT), a clean one stays as "
    "it is. The restorer sharpens what is there: it is not a generative face prior such as GFPGAN or CodeFormer, which "
    "one can bring along. PSNR and SSIM are of the aligned face crop, RGB.",
    samples,
    checks,
    order=30,
)
