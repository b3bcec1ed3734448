"""Faces: counts, edges, turned portraits, crowds, and pictures without any."""

from functools import partial
from typing import Any

import cv2
import numpy as np
from skimage import data

from perf.field.case import Case, Check, Finding, Outcome, Way
from perf.field.checks import answered, file_is, shows
from perf.field.files import saved
from perf.field.pictures import Array, coffee, portrait

GREY = "xinntao/Real-ESRGAN#555"
EDGE = "xinntao/Real-ESRGAN#506"
TURNED = "davidsandberg/facenet#1181, timesler/facenet-pytorch#229"
CROWD = "sczhou/CodeFormer#105, TencentARC/GFPGAN#86"
BOX = "TencentARC/GFPGAN#259"
LOOK = Way("face_enhance", {"fidelity": 1.0})
"""Finds faces and restores none."""
RESTORE = Way("face_enhance")
KEEP = Way("face_enhance", {"background": "keep"})


def cases() -> list[Case]:
    return [*_counts(), *_turned(), *_restored()]


def found(*counts: int) -> Check:
    """One of these numbers of faces is reported."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        faces = len(outcome.report.get("faces", []))
        return Finding(f"{faces} faces", faces in counts)

    return check


def found_or_told(count: int) -> Check:
    """Found, or the report says at which angles none was found."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        faces = len(outcome.report.get("faces", []))
        angles = outcome.report.get("angles_searched", [])
        return Finding(f"{faces} faces, searched at {angles}", faces == count or (faces == 0 and bool(angles)))

    return check


def no_streak(outcome: Outcome) -> Finding:
    """The border changes no more than the inside does."""
    if not outcome.image:
        return answered(outcome)
    change = np.abs(outcome.view.srgb.astype(int) - worn_edge()).max(axis=-1)
    border = np.concatenate((change[0], change[-1], change[:, 0], change[:, -1]))
    inside = np.percentile(change[3:-3, 3:-3], 99.9)
    return Finding(f"border {border.max()}, inside {inside:.0f} levels", bool(border.max() <= inside + 25))


def worn(picture: Array) -> Array:
    """Blurred and noisy."""
    soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
    pixels: Array = np.clip(soft + np.random.default_rng(6).normal(0, 6, soft.shape), 0, 255).astype(np.uint8)
    return pixels


def worn_edge() -> Array:
    """The face touches the left border."""
    return worn(np.ascontiguousarray(data.astronaut()[20:280, 205:465]))


def _case(
    name: str, picture: Array, *checks: Any, source: str, way: Way = LOOK, kind: str = "PNG", **more: Any
) -> Case:
    return Case(
        "faces", name, partial(saved, picture, kind), checks, source, ways=(way,), device="cpu", quick=False, **more
    )


def _counts() -> list[Case]:
    face = portrait()
    half = cv2.resize(face, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    third = cv2.resize(face, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    astronaut = data.astronaut()
    return [
        _case("one face", face, found(1), source=CROWD),
        _case("one worn face", worn(face), found(1), source=CROWD),
        _case("at the left border", worn_edge(), found(0, 1), source=EDGE),
        _case("at the upper border", worn(astronaut[75:335, 90:390]), found(0, 1), source=EDGE),
        _case("cut by the lower border", worn(astronaut[0:165, 90:390]), found(1), source=EDGE),
        _case("a crowd of 24", np.tile(half, (4, 6, 1)), found(24), source=CROWD),
        _case("twelve small faces", np.tile(third, (3, 4, 1)), found(0, 12), source=CROWD),
        _case("a cat", data.chelsea(), found(0), source=CROWD),
        _case("coffee", coffee(), found(0), source=CROWD),
        _case("bricks", np.dstack([data.brick()[:300, :300]] * 3), found(0), source=CROWD),
        _case("text", np.dstack([data.page()] * 3), found(0), source=CROWD),
        _case("a flat picture", np.full((200, 200, 3), 128, np.uint8), found(0), source=CROWD),
        _case("grey", cv2.cvtColor(worn(face), cv2.COLOR_RGB2GRAY), found(1), file_is("PNG", grey=True), source=GREY),
        _case(
            "with alpha",
            np.dstack((worn(face), np.full(face.shape[:2], 255, np.uint8))),
            found(1),
            file_is(alpha=True),
            source=GREY,
        ),
    ]


def _turned() -> list[Case]:
    made = [
        _case(
            f"turned by {degrees}",
            np.ascontiguousarray(np.rot90(worn(portrait()), quarters)),
            found_or_told(1),
            source=TURNED,
        )
        for degrees, quarters in {90: 1, 180: 2, 270: 3}.items()
    ]
    for degrees in (20, 45, -30):
        matrix = cv2.getRotationMatrix2D((160, 150), degrees, 1)
        turned = cv2.warpAffine(worn(portrait()), matrix, (320, 300), borderMode=cv2.BORDER_REFLECT)
        made.append(_case(f"tilted by {degrees}", turned, found_or_told(1), source=TURNED))
    return made


def _restored() -> list[Case]:
    face = worn(portrait())
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    return [
        _case("restored", face, found(1), shows(partial(np.asarray, face), 20), source=BOX, way=RESTORE),
        _case("restored, background kept", face, found(1), shows(partial(np.asarray, face), 20), source=BOX, way=KEEP),
        _case(
            "grey, restored",
            grey,
            found(1),
            shows(lambda: np.dstack([grey] * 3), 20),
            file_is(grey=True),
            source=GREY,
            way=RESTORE,
        ),
        _case("no streak at the border", worn_edge(), no_streak, source=EDGE, way=KEEP),
        _case(
            "x2, restored",
            cv2.resize(face, (160, 150), interpolation=cv2.INTER_AREA),
            found(0, 1),
            source=BOX,
            way=Way("face_enhance", {"scale": 2}),
        ),
        _case("coffee, background kept", coffee(), found(0), shows(coffee, 60), source=CROWD, way=KEEP),
    ]
