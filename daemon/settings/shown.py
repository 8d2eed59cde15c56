"""Values in words, as one would write them into a settings file; secrets masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tidegate.daemon.settings.declare import Setting

MASK = "***"
_CREDENTIALS_IN_URL = re.compile(r"//[^/@\s]*@")
_LINE_ENDS = re.compile(r"[\x00-\x1f\x7f]")


def shown(setting: Setting[Any], value: Any) -> str:
    """The value; `***` for a secret that is set, empty for one that is not."""
    if setting.secret:
        return MASK if value else ""
    words = in_words(setting.kind.name, value)
    return _LINE_ENDS.sub(" ", _CREDENTIALS_IN_URL.sub(f"//{MASK}@", words))


def in_words(kind: str, value: Any) -> str:
    """The value as text, with the unit of its kind."""
    if value is None:
        return "auto" if "auto" in kind else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "duration":
        return _duration(value)
    if kind == "size":
        return _size(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {', '.join(texts)}" for name, texts in value.items())
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return ", ".join(str(element) for element in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    if seconds and seconds % 86400 == 0:
        return f"{seconds / 86400:g}d"
    if seconds and seconds % 3600 == 0:
        return f"{seconds / 3600:g}h"
    if seconds and seconds < 1:
        return f"{seconds * 1000:g}ms"
    return f"{seconds:g}s"


def _size(count: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count and count % (1 << power) == 0:
            return f"{count >> power}{unit}"
    return str(count)
