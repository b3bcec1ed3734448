"""Which picture goes where."""

from pathlib import Path

import pytest
from darkroom_client.cli.plan import PlanError, plan


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    for name in ("a.jpg", "b.png", "notes.txt", "photos/c.jpeg", "photos/deep/d.tif", "photos/.hidden.jpg", "x[1].jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of(*inputs, o=None, fmt=None):
    planned = plan(list(inputs), o, task="super_resolution", output_format=fmt)
    return {str(item.source): (str(item.output), item.output_format) for item in planned.items}


def test_one_file_to_one_file(here):
    assert of("a.jpg", o="out.png") == {"a.jpg": ("out.png", "png")}
    assert of("a.jpg", o="out.webp", fmt="jpeg") == {"a.jpg": ("out.webp", "jpeg")}
    assert plan(["a.jpg"], "out.png", task="t", output_format=None).root is None


def test_one_file_beside_itself(here):
    assert of("a.jpg") == {"a.jpg": ("a-super-resolution.jpg", "jpeg")}
    assert of("photos/deep/d.tif") == {"photos/deep/d.tif": ("photos/deep/d-super-resolution.tif", "tiff")}


def test_one_file_into_a_folder(here):
    assert of("a.jpg", o="photos") == {"a.jpg": ("photos/a.jpg", "jpeg")}
    assert of("a.jpg", o="new/") == {"a.jpg": ("new/a.jpg", "jpeg")}


def test_a_folder_is_mirrored(here):
    assert of("photos", o="out") == {
        "photos/c.jpeg": ("out/c.jpeg", "jpeg"),
        "photos/deep/d.tif": ("out/deep/d.tif", "tiff"),
    }


def test_a_glob_is_mirrored_from_its_first_wildcard(here):
    assert of("photos/**/*.tif", o="out") == {"photos/deep/d.tif": ("out/deep/d.tif", "tiff")}
    assert of(f"{here}/*.jpg", o="out") == {
        f"{here}/a.jpg": ("out/a.jpg", "jpeg"),
        f"{here}/x[1].jpg": ("out/x[1].jpg", "jpeg"),
    }


def test_a_name_with_brackets_is_a_name_where_it_exists(here):
    assert of("x[1].jpg", o="out.png") == {"x[1].jpg": ("out.png", "png")}


def test_mixed_inputs_each_once(here):
    assert list(of("a.jpg", "./a.jpg", "photos", "*.png", o="out")) == [
        "a.jpg",
        "photos/c.jpeg",
        "photos/deep/d.tif",
        "b.png",
    ]


def test_format_renames(here):
    assert of("photos", "b.png", o="out", fmt="webp") == {
        "photos/c.jpeg": ("out/c.webp", "webp"),
        "photos/deep/d.tif": ("out/deep/d.webp", "webp"),
        "b.png": ("out/b.webp", "webp"),
    }
    assert of("photos/c.jpeg", "a.jpg", o="out", fmt="jpeg") == {
        "photos/c.jpeg": ("out/c.jpeg", "jpeg"),
        "a.jpg": ("out/a.jpg", "jpeg"),
    }


@pytest.mark.parametrize(
    ("name", "output", "output_format"),
    [
        ("IMG_1.HEIC", "IMG_1.jpg", "jpeg"),
        ("a.heif", "a.jpg", "jpeg"),
        ("a.AVIF", "a.AVIF", "avif"),
        ("a.GIF", "a.png", "png"),
        ("a.jxl", "a.png", "png"),
        ("a.BMP", "a.png", "png"),
        ("a.TIFF", "a.TIFF", "tiff"),
        ("a.JFIF", "a.JFIF", "jpeg"),
        ("a.b.JPG", "a.b.JPG", "jpeg"),
        ("a.b.heic", "a.b.jpg", "jpeg"),
    ],
)
def test_folders_take_every_format_in_any_case(tmp_path, monkeypatch, name, output, output_format):
    monkeypatch.chdir(tmp_path)
    for file in ("in/deep/" + name, "in/film.mov", "in/notes.heic.txt"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch()
    assert of("in", o="out") == {f"in/deep/{name}": (f"out/deep/{output}", output_format)}
    assert of("in/**/*", o="out") == {f"in/deep/{name}": (f"out/deep/{output}", output_format)}


def test_a_photo_and_its_heic_original_are_told_apart(here):
    (here / "photos/c.heic").touch()
    (here / "photos/c.jpg").touch()
    with pytest.raises(PlanError, match=r"would both be written to 'out/c\.jpg'"):
        of("photos", o="out")
    assert len(of("photos/c.heic", "photos/c.jpeg", o="out", fmt=None)) == 2


def test_formats_in_any_case_of_ending(here):
    assert of("a.jpg", o="OUT.TIF") == {"a.jpg": ("OUT.TIF", "tiff")}
    assert of("a.jpg", o="out.avif") == {"a.jpg": ("out.avif", "avif")}
    assert of("b.png", o="out/", fmt="tiff") == {"b.png": ("out/b.tif", "tiff")}


def test_a_file_that_does_not_exist_is_planned_and_fails_alone(here):
    assert len(of("a.jpg", "nope.jpg", o="out")) == 2


def test_an_output_folder_inside_the_input_is_left_out(here):
    (here / "photos/out").mkdir()
    (here / "photos/out/c.jpeg").touch()
    assert list(of("photos", o="photos/out")) == ["photos/c.jpeg", "photos/deep/d.tif"]


@pytest.mark.parametrize(
    ("inputs", "output", "words"),
    [
        (["a.jpg", "b.png"], None, "need a folder"),
        (["photos"], None, "need a folder"),
        (["a.jpg", "b.png"], "notes.txt", "is a file"),
        (["a.jpg"], "out.gif", "must end in .png, .jpg, .webp, .avif or .tif, or --format"),
        (["a.jpg"], "a.jpg", "replace its own source"),
        (["photos"], "photos", "would replace it"),
        (["photos/deep", "photos/deep/../deep/d.tif", "photos/*/*.tiff"], "out/", None),
        (["*.gif"], "out", "No pictures in '*.gif'"),
    ],
)
def test_what_cannot_be_meant(here, inputs, output, words):
    if words is None:
        assert len(of(*inputs, o=output)) == 1
        return
    with pytest.raises(PlanError) as caught:
        of(*inputs, o=output)
    assert words in str(caught.value)


def test_two_sources_for_one_output(here):
    (here / "photos/c.jpg").touch()
    (here / "photos/c.gif").touch()
    (here / "photos/c.bmp").touch()
    with pytest.raises(PlanError, match=r"'photos/c\.bmp' and 'photos/c\.gif' would both be written to 'out/c\.png'"):
        of("photos", o="out")
