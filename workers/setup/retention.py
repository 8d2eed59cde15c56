"""How long each group of data streams keeps its documents. Pure.

Source: http-surface.md 8.5, which are also the periods of Elastic's own templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

FOREVER = "forever"
DEFAULTS: Mapping[str, str] = {
    "traces": "10d",
    "rum": "90d",
    "errors": "10d",
    "logs": "10d",
    "metrics": "90d",
    "1m": "90d",
    "10m": "180d",
    "60m": "390d",
    "sampled": "1h",
}
"""Group → period, in Elasticsearch's form."""
NOT_MEANT_BY_ALL = "sampled"
"""A period without a group is for all groups but this: its documents are of use for an hour."""

_PERIOD = re.compile(r"([1-9]\d{0,4})([hdw])", re.ASCII)
_DAYS_PER_WEEK = 7


def period_of(text: str) -> str:
    """`30d`, `12h`, `4w` (as days) or `forever`, in Elasticsearch's form. Raises ValueError."""
    if text == FOREVER:
        return FOREVER
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no period: write for instance 12h, 30d, 4w or {FOREVER}")
    number, unit = int(found[1]), found[2]
    return f"{number * _DAYS_PER_WEEK}d" if unit == "w" else f"{number}{unit}"


def wished(texts: Iterable[str]) -> dict[str, str]:
    """Group → period of `30d` (all groups but one) and `traces=30d`, the later ones winning. Raises ValueError."""
    periods: dict[str, str] = {}
    for text in texts:
        group, equals, period = text.partition("=")
        if not equals:
            periods.update(dict.fromkeys((name for name in DEFAULTS if name != NOT_MEANT_BY_ALL), period_of(text)))
        elif group in DEFAULTS:
            periods[group] = period_of(period)
        else:
            raise ValueError(f"{group!r} is none of the groups {', '.join(DEFAULTS)}")
    return periods


def lifecycle(period: str) -> dict[str, str]:
    """The lifecycle of a template or a data stream."""
    return {} if period == FOREVER else {"data_retention": period}
