"""Face enhancement on a real tritonserver: what it finds, what it leaves alone, how it answers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.data
from pictures import file_of, opened, pixels_of
from wire import Answer, Call, RefusedError, ask, grpc, raw

from darkroom.faces import alignment
from darkroom.faces.paste import mask
from darkroom.faces.warp import sample
from darkroom.server import Server
from export.restorer import portrait
from perf import composites

REFERENCE = Path(__file__).parents[1] / "data" / "faces_reference.json"
LOOK = {"fidelity": 1.0, "deadline_s": 600.0}
"""Find the faces, restore nothing: a second, where a restored face takes several."""


@pytest.fixture(scope="module")
def faces() -> Iterator[Server]:
    """Version 1 with its real networks, on the CPU. Needs `make export`."""
    with Server(models=["face_enhance", "jobs"], config_name="cpu") as running:
        yield running


def enhance(server: Server, pixels: np.ndarray, **options: object) -> Answer:
    return grpc(server, Call(file_of(pixels), "face_enhance", options={"deadline_s": 600.0, **options}))


@pytest.fixture(scope="module")
def restored(faces: Server) -> Answer:
    """The worn portrait, restored with the default network."""
    return enhance(faces, portrait.worn(portrait.photograph()))


@pytest.fixture(scope="module")
def kept(faces: Server) -> Answer:
    """The same, with its surroundings as they were."""
    return enhance(faces, portrait.worn(portrait.photograph()), background="keep")


def test_a_worn_portrait_gains(restored: Answer) -> None:
    clean, worn = portrait.photograph(), portrait.worn(portrait.photograph())
    side = 165  # the aligned crop at the size it has in the photograph
    wanted = portrait.face(clean, side)
    before = portrait.quality(portrait.face(worn, side), wanted)
    after = portrait.quality(portrait.face(pixels_of(restored.image), side), wanted)
    assert after["psnr_db"] >= before["psnr_db"] + 1.2
    assert after["ssim"] >= before["ssim"] + 0.05


def test_around_the_face_the_picture_is_denoised_and_the_report_says_how_strongly(
    restored: Answer, kept: Answer
) -> None:
    clean = portrait.photograph()

    def psnr(answer: Answer) -> float:
        return portrait.quality(pixels_of(answer.image), clean)["psnr_db"]

    assert psnr(restored) > psnr(kept) + 0.3
    assert (restored.report["background"], kept.report["background"]) == ("restore", "keep")
    assert 7 < restored.report["background_strength"] <= 10
    assert kept.report["background_strength"] == 0
    assert restored.report["faces"] == kept.report["faces"]


def test_around_a_clean_face_not_one_pixel_changes(faces: Server) -> None:
    clean = portrait.photograph()[:230, 110:340]
    answer = enhance(faces, clean)
    assert (answer.report["background"], answer.report["background_strength"]) == ("restore", 0)
    assert len(answer.report["faces"]) == 1
    assert np.array_equal(pixels_of(answer.image)[:, :15], clean[:, :15])


def test_kept_outside_the_mask_not_one_pixel_changes(kept: Answer) -> None:
    worn = portrait.worn(portrait.photograph())
    result = pixels_of(kept.image)
    (face,) = kept.report["faces"]
    back = alignment.invert(alignment.to_crop(np.array(face["landmarks"]), 512))
    share = sample(mask(512), back, *worn.shape[:2])
    # Landmarks are told to a hundredth of a pixel, so the mask is known to about as much.
    outside = share < 1e-4
    assert 0.8 < outside.mean() < 0.95
    assert np.array_equal(result[outside], worn[outside])


def test_the_receipt(restored: Answer, repository: Path) -> None:
    record = json.loads((repository / "face_enhance" / "1" / "networks.json").read_text())["realesrgan_x4plus"]
    report = restored.report
    assert report["network"] == "realesrgan_x4plus"
    assert (report["sha256"], report["weights"]) == (record["sha256"], record["weights"])
    (face,) = report["faces"]
    assert set(face) == {"box", "landmarks", "score", "angle"}
    assert face["score"] > 0.99
    assert abs(face["angle"]) < 10
    assert report["angles_searched"] == [0]
    assert np.shape(face["landmarks"]) == (5, 2)
    assert report["units"] > report["batches"] > 1


@pytest.mark.parametrize("name", ["coffee", "chelsea"])
def test_a_picture_without_faces_comes_back_as_it_was(faces: Server, name: str) -> None:
    pixels = getattr(skimage.data, name)()
    answer = enhance(faces, pixels)
    assert answer.report["faces"] == []
    assert answer.report["angles_searched"] == [0, 90, 180, 270]
    assert np.array_equal(pixels_of(answer.image), pixels)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_face_is_found_where_it_is(faces: Server, quarters: int) -> None:
    pixels = skimage.data.astronaut()
    (upright,) = enhance(faces, pixels, **LOOK).report["faces"]
    report = enhance(faces, np.ascontiguousarray(np.rot90(pixels, quarters)), **LOOK).report
    (face,) = report["faces"]
    assert report["angles_searched"] == [0, 90, 180, 270]
    assert abs((face["angle"] - upright["angle"] + 90 * quarters + 180) % 360 - 180) < 3
    x, y = upright["landmarks"][2]
    nose = {1: (y, 512 - x), 2: (512 - x, 512 - y), 3: (512 - y, x)}[quarters]
    assert np.abs(np.subtract(face["landmarks"][2], nose)).max() < 2


def test_turned_faces_of_a_large_picture_are_found_in_all_their_detail(faces: Server) -> None:
    pixels = composites.group(6, columns=3, cell=400)
    upright = enhance(faces, pixels, **LOOK).report["faces"]
    turned = enhance(faces, np.ascontiguousarray(np.rot90(pixels)), **LOOK).report["faces"]
    assert len(turned) == len(upright) == 6
    assert all(-110 < face["angle"] < -70 for face in turned)


@pytest.mark.parametrize("name", ["rocket", "grass", "text", "colorwheel", "chelsea"])
def test_nothing_is_taken_for_a_turned_face(faces: Server, name: str) -> None:
    pixels = np.asarray(PIL.Image.fromarray(getattr(skimage.data, name)()).convert("RGB"))
    assert enhance(faces, pixels, **LOOK).report["faces"] == []


def test_upright_faces_are_not_searched_twice(faces: Server) -> None:
    pixels = composites.varied(5)
    mixed = np.concatenate([pixels, np.rot90(pixels, 2)])
    report = enhance(faces, mixed, **LOOK).report
    assert report["angles_searched"] == [0]
    assert len(report["faces"]) >= 3


def test_progress_grows_with_every_face(faces: Server) -> None:
    job = Call(
        file_of(composites.group(4, columns=2)),
        "face_enhance",
        id="crowded",
        options={"deadline_s": 600.0, "background": "keep"},
    )
    seen: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(grpc, faces, job)
        while not answer.done():
            state = ask(faces, {"action": "state", "id": "crowded"})
            if state["state"] == "running" and state["progress"] not in seen:
                seen.append(state["progress"])
            wait([answer], timeout=0.05)
    assert len(answer.result().report["faces"]) == 4
    assert seen == sorted(seen)
    # finding them is next to nothing, and each of them a quarter of the work
    assert sum(0.1 < progress < 0.95 for progress in seen) >= 3


def test_a_picture_smaller_than_a_face_has_none(faces: Server) -> None:
    pixels = skimage.data.astronaut()[60:90, 180:210]
    answer = enhance(faces, pixels)
    assert (answer.report["faces"], answer.report["units"]) == ([], 0)
    assert np.array_equal(pixels_of(answer.image), pixels)


@pytest.mark.parametrize("picture", json.loads(REFERENCE.read_text())["pictures"], ids=lambda p: f"seed{p['seed']}")
def test_landmarks_are_those_of_the_reference_implementation(faces: Server, picture: dict) -> None:
    pixels = composites.varied(picture["seed"])
    assert list(pixels.shape) == picture["shape"]
    found = enhance(faces, pixels, min_face=20, threshold=0.7, **LOOK).report["faces"]
    assert len(found) == len(picture["faces"])
    for wanted in picture["faces"]:
        differences = [
            np.linalg.norm(np.subtract(face["landmarks"], wanted["landmarks"]), axis=1).max() for face in found
        ]
        assert min(differences) <= 2


def test_three_faces_are_three_and_the_largest_can_be_asked_for(faces: Server) -> None:
    pixels = composites.group(3, columns=3)
    found = enhance(faces, pixels, **LOOK).report["faces"]
    assert len(found) == 3
    largest = enhance(faces, pixels, max_faces=1, **LOOK).report["faces"]
    assert largest == [max(found, key=lambda face: face["box"][2] - face["box"][0])]
    assert enhance(faces, pixels, min_face=200, **LOOK).report["faces"] == []


def test_fidelity_1_gives_the_original_back(faces: Server) -> None:
    pixels = composites.varied(5)
    assert np.array_equal(pixels_of(enhance(faces, pixels, **LOOK).image), pixels)


@pytest.mark.parametrize("scale", [2, 4])
def test_the_background_is_enlarged_along(faces: Server, scale: int) -> None:
    pixels = skimage.data.astronaut()[20:180, 140:310]
    rgba = np.dstack([pixels, np.full(pixels.shape[:2], 200, np.uint8)])
    answer = enhance(faces, rgba, scale=scale, **LOOK)
    result = opened(answer.image)
    assert result.size == (170 * scale, 160 * scale)
    assert np.all(np.asarray(result)[..., 3] == 200)
    assert len(answer.report["faces"]) == 1
    assert answer.report["tiles"] >= 1
    expected = PIL.Image.fromarray(pixels).resize(result.size, PIL.Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(result)[..., :3].astype(int) - np.asarray(expected)).mean() < 6


def test_a_grey_picture_stays_grey(faces: Server) -> None:
    grey = PIL.Image.fromarray(skimage.data.astronaut()).convert("L")
    answer = raw(faces, Call(file_of(grey), "face_enhance", headers={"darkroom-fidelity": "1", "darkroom-scale": "1"}))
    assert opened(answer.image).mode == "L"
    assert len(answer.report["faces"]) == 1


def test_a_quote_has_a_price_and_no_picture(faces: Server) -> None:
    answer = enhance(faces, skimage.data.astronaut(), quote=True)
    assert answer.image == b""
    assert answer.report["units"] > 60
    assert answer.report["work_s"] > 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scale": 3}, "scale must be 1, 2 or 4, got 3."),
        ({"network": "span_x4"}, 'network must be one of realesrgan_x4plus, got "span_x4".'),
        (
            {"restorer_weight": 0.5},
            "restorer_weight must be left out: the network realesrgan_x4plus has no such input.",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(faces: Server, options: dict, sentence: str) -> None:
    with pytest.raises(RefusedError) as caught:
        enhance(faces, skimage.data.astronaut(), **options)
    assert (caught.value.sentence, caught.value.details["reason"]) == (sentence, "bad_option")


def test_in_company_the_answers_are_the_same(faces: Server) -> None:
    pictures = [composites.varied(seed) for seed in (0, 2, 5, 7)]
    alone = [enhance(faces, pixels, **LOOK) for pixels in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pixels: enhance(faces, pixels, **LOOK), pictures))
    assert [answer.report["faces"] for answer in together] == [answer.report["faces"] for answer in alone]
    assert ask(faces, {"action": "totals"})["engines"]
