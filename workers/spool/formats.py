"""What a newer version has written is not read, and not deleted."""

from __future__ import annotations


class SpoolError(Exception):
    """The spool cannot be used; the text says why and what to do."""


class NewerFormat(Exception):
    """Something of a later format; it must not be read, and not be deleted."""

    def __init__(self, version: int, known: int) -> None:
        super().__init__(f"format {version}, this Tidegate reads up to {known}")
        self.version = version


class NewerSpool(SpoolError):
    """A newer Tidegate wrote it; it is left as it is."""

    @classmethod
    def of(cls, what: str, newer: NewerFormat) -> NewerSpool:
        """In words; `what`: the file."""
        return cls(
            f"{what} was written by a newer Tidegate ({newer}): run that version or a later one until its spool is empty, "
            "then this one; it was left as it is"
        )
