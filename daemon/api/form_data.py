"""multipart/form-data, piece by piece: short fields are kept, the one file is handed on (RFC 7578).

The texts of errors are those of the original's language, where it has one for the case (http-surface.md 5.5).
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

MOST_PARTS = 32
"""An upload has four."""
MOST_HEADERS, LONGEST_HEADER = 8, 1024
"""Lines of a part's head, bytes of each; a usual head has two."""
LONGEST_FIELD = 4096
"""Bytes; what the fields of an upload may have together is an eighth of that."""

# It would log each malformed byte of a stranger's; the errors say the same.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class FormError(Exception):
    """The body is not the form that it should be; the message says why."""


class FormData:
    """One form. Raises FormError from all methods."""

    def __init__(self, content_type: str, fields: Collection[str], file: str) -> None:
        """`fields`: names of those that are kept; `file`: of the part whose content is handed on."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data":
            raise FormError(f"invalid content type: {content_type}")
        if not boundary:
            raise FormError("no multipart boundary param in Content-Type")
        self.fields: dict[str, str] = {}
        self.has_file = False
        self._wanted = frozenset(fields)
        self._file = file
        self._parts = 0
        self._name = ""
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._content = bytearray()
        self._handed: list[bytes] = []
        self._over = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._head_ends,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._ends,
                },
                max_header_count=MOST_HEADERS,
                max_header_size=LONGEST_HEADER,
            )
        except FormParserError as problem:
            raise FormError(f"multipart: {problem}") from problem

    def feed(self, data: bytes) -> list[bytes]:
        """Takes a piece of the body; returns what of the file was in it."""
        if not self._over:
            try:
                self._parser.write(data)
            except FormParserError as problem:
                raise FormError(f"multipart: {problem}") from problem
        handed, self._handed = self._handed, []
        return handed

    def finish(self) -> None:
        """The body is complete."""
        if not self._over:
            raise FormError("multipart: NextPart: EOF")
        if not self.has_file:
            raise FormError("http: no such file")

    # What the parser calls.

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise FormError(f"multipart: more than {MOST_PARTS} parts")
        self._name = ""
        self._disposition = b""
        self._header.clear()
        self._value.clear()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _head_ends(self) -> None:
        kind, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace") if kind == b"form-data" else ""
        if self._name == self._file:
            if self.has_file:
                raise FormError(f"multipart: {self._file} is sent twice")
            self.has_file = True

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == self._file:
            self._handed.append(data[start:end])
        elif self._name in self._wanted:
            self._content += data[start:end]
            if len(self._content) > LONGEST_FIELD:
                raise FormError(f"multipart: {self._name} has more than {LONGEST_FIELD} bytes")

    def _part_ends(self) -> None:
        if self._name in self._wanted:
            # The first one counts, as in the original.
            self.fields.setdefault(self._name, self._content.decode("utf-8", "replace"))
        self._content.clear()
        self._name = ""

    def _ends(self) -> None:
        self._over = True
