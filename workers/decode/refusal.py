"""The one error of decoding."""

from __future__ import annotations


class Refused(Exception):
    """A line that is not an event, or metadata that is none; the client's fault.

    `message` is the text of the answer, word for word (intake-to-documents.md 8.2). `show` says whether the answer
    repeats the line as its `document`.
    """

    def __init__(self, message: str, show: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.show = show
