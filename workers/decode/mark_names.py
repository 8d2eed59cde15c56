"""Short names of marks in RUM v3: intake-to-documents.md 7.6."""

from __future__ import annotations

from tidegate.workers.decode.model import Marks

_GROUPS = {"a": "agent", "nt": "navigationTiming"}
_NAMES = {
    "ce": "connectEnd",
    "cs": "connectStart",
    "dc": "domComplete",
    "de": "domContentLoadedEventEnd",
    "di": "domInteractive",
    "dl": "domLoading",
    "ds": "domContentLoadedEventStart",
    "ee": "loadEventEnd",
    "es": "loadEventStart",
    "fb": "timeToFirstByte",
    "fp": "firstContentfulPaint",
    "fs": "fetchStart",
    "le": "domainLookupEnd",
    "lp": "largestContentfulPaint",
    "ls": "domainLookupStart",
    "qs": "requestStart",
    "re": "responseEnd",
    "rs": "responseStart",
}


def expand_marks(marks: Marks) -> Marks:
    """The marks under their long names; names that are not known stay."""
    return {
        _GROUPS.get(group, group): None
        if values is None
        else {_NAMES.get(name, name): at for name, at in values.items()}
        for group, values in marks.items()
    }
