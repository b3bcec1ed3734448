"""multipart/form-data, piece by piece: one picture and a few short fields, and never more of either than allowed."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from darkroom_gateway.problems import Problem

PICTURE_FIELDS = ("image", "file")
_MAX_FIELDS = 32
_MAX_FIELD_BYTES = 40_000
OVERHEAD_BYTES = 256 * 1024
"""What fields and boundaries may add to the picture in one body."""


class FormReader:
    """Fed with the body; afterwards `picture` and `fields` hold what was in it."""

    def __init__(self, content_type: str, max_bytes: int) -> None:
        """Raises Problem (400) where the content type names no boundary."""
        self.fields: list[tuple[str, str]] = []
        self._max_bytes = max_bytes
        self._pictures: list[bytearray] = []
        self._ended = False
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _broken("its content type names no boundary")
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Raises Problem: 413 for a picture or field that is too large, 400 for a body that is no form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _broken(str(error)) from None

    def finish(self) -> bytes:
        """The picture. Raises Problem where there is none, more than one, or the body ended too early."""
        if not self._ended:
            raise _broken("it ends before its last boundary")
        if len(self._pictures) != 1:
            found = "none" if not self._pictures else f"{len(self._pictures)} of them"
            raise Problem(400, "bad_form", f'The form must have one picture in the field "image", got {found}.')
        return bytes(self._pictures[0])

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        kind, details = parse_options_header(self._headers.get(b"content-disposition"))
        name = details.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise _broken("one of its parts has no name")
        self._field = name
        self._target = bytearray()
        self._is_picture = name in PICTURE_FIELDS
        if self._is_picture:
            self._pictures.append(self._target)
            self._most = self._max_bytes
        elif b"filename" in details:
            raise Problem(
                400, "bad_form", f'The picture belongs into the field "image" (or "file"), got "{name[:80]}".'
            )
        else:
            self._most = _MAX_FIELD_BYTES
            if len(self.fields) >= _MAX_FIELDS:
                raise Problem(413, "too_large", f"The form has more than {_MAX_FIELDS} fields.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if len(self._target) + end - start > self._most:
            raise too_large(self._most) if self._is_picture else _field_too_large(self._field)
        self._target += data[start:end]

    def _end(self) -> None:
        if self._is_picture:
            return
        try:
            self.fields.append((self._field, self._target.decode()))
        except UnicodeDecodeError:
            raise _broken(f'the field "{self._field[:80]}" is not UTF-8 text') from None

    def _all(self) -> None:
        self._ended = True


def too_large(most: int) -> Problem:
    return Problem(413, "too_large", f"The picture file is too large; at most {most:,} bytes are allowed.")


def _field_too_large(name: str) -> Problem:
    return Problem(413, "too_large", f'The field "{name[:80]}" is longer than {_MAX_FIELD_BYTES:,} bytes.')


def _broken(why: str) -> Problem:
    return Problem(400, "bad_form", f"The form in the body cannot be read: {why}.")
