"""How the original narrows numbers: they wrap instead of failing (intake-to-documents.md, section 3)."""

from __future__ import annotations

U32 = 0xFFFFFFFF
"""`number & U32`: counts, status codes, ports, line numbers."""

U64 = 0xFFFFFFFFFFFFFFFF
"""`number & U64`: sizes and ages."""

LARGEST = 2**63 - 1


def whole(number: float) -> int:
    """A float as a signed 64-bit integer, truncated. Beyond the range the original's result depends on its processor;
    here it is the nearest integer that Elasticsearch can store in a long."""
    if -9.2e18 < number < 9.2e18:
        return int(number)
    return LARGEST if number > 0 else -LARGEST
