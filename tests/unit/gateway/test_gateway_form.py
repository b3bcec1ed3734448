"""The form reader, whatever the pieces in which a body arrives."""

import itertools

import httpx
import pytest
from darkroom_gateway.form import FormReader
from darkroom_gateway.problems import Problem
from hypothesis import given
from hypothesis import strategies as st


def body_of(files, data=None):
    request = httpx.Request("POST", "http://x", files=files, data=data or {})
    return request.headers["content-type"], request.read()


def read(content_type, body, *, limit=1000, cuts=()):
    reader = FormReader(content_type, limit)
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        reader.feed(body[start:end])
    return reader.finish(), reader.fields


@given(picture=st.binary(min_size=1, max_size=500), cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_the_pieces_do_not_matter(picture, cuts):
    content_type, body = body_of({"image": ("a.jpg", picture)}, {"scale": "2", "prompt": "ein Hündchen"})
    assert read(content_type, body, cuts=cuts) == (picture, [("scale", "2"), ("prompt", "ein Hündchen")])


def test_file_is_accepted_for_image():
    assert read(*body_of({"file": b"x"}))[0] == b"x"


@pytest.mark.parametrize(
    ("files", "data", "status", "words"),
    [
        ({"photo": b"x"}, None, 400, 'belongs into the field "image" (or "file"), got "photo"'),
        ([("image", b"x"), ("file", b"y")], None, 400, 'one picture in the field "image", got 2 of them'),
        ([("image", b"x" * 1001)], None, 413, "at most 1,000 bytes"),
        ([("image", b"x")], {"prompt": "y" * 40_001}, 413, 'The field "prompt" is longer than 40,000 bytes'),
        ([("image", b"x")], {f"f{i}": "1" for i in range(33)}, 413, "more than 32 fields"),
    ],
)
def test_refusals(files, data, status, words):
    with pytest.raises(Problem) as caught:
        read(*body_of(files, data))
    assert caught.value.status == status
    assert words in caught.value.detail


def test_a_form_without_a_picture():
    with pytest.raises(Problem) as caught:
        read(
            "multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="scale"\r\n\r\n2\r\n--b--'
        )
    assert 'one picture in the field "image", got none' in caught.value.detail


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("multipart/form-data", b"", "names no boundary"),
        ("multipart/form-data; boundary=b", b"", "ends before its last boundary"),
        ("multipart/form-data; boundary=b", b"hello", "cannot be read"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\n2\r\n--b--", "has no name"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="scale"\r\n\r\n\xff\r\n--b--',
            'field "scale" is not UTF-8',
        ),
    ],
)
def test_bodies_that_are_no_form(content_type, body, words):
    with pytest.raises(Problem) as caught:
        read(content_type, body)
    assert caught.value.status == 400
    assert words in caught.value.detail


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_else(rubbish):
    with pytest.raises(Problem):
        read("multipart/form-data; boundary=b", b"--b\r\n" + rubbish)
