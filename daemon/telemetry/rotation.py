"""Which stretch of time a moment belongs to: `logging.files.interval` begins a new file with each. Pure."""

from __future__ import annotations

from datetime import datetime

MINUTE, HOUR, DAY, WEEK, MONTH, YEAR = 60.0, 3600.0, 86400.0, 7 * 86400.0, 30 * 86400.0, 365 * 86400.0
_FIELDS = {YEAR: 1, MONTH: 2, DAY: 3, HOUR: 4, MINUTE: 5}
"""How many fields of year, month, day, hour, minute tell one stretch from the others."""


def stretch(moment: datetime, interval: float) -> tuple[int, ...]:
    """Equal for two moments of the same stretch of `interval` seconds.

    As in the original, intervals of a minute, an hour, a day, a week (`168h`), a month (`720h`) and a year (`8760h`) follow
    the calendar and the time zone of `moment`; all others count from the Unix epoch.
    """
    if interval == WEEK:
        return moment.isocalendar()[:2]
    if interval in _FIELDS:
        return moment.timetuple()[: _FIELDS[interval]]
    return (int(moment.timestamp() // interval),)
