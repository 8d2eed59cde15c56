"""Looks again and again whether files of certificates have changed, and hands on what they hold then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tidegate.daemon.settings.parts import CertificatesPart
from tidegate.daemon.tls.context import CertificateError
from tidegate.daemon.tls.files import CertificateFiles

NO_FILES_S = 5.0
"""Without certificates, or where their files are not looked at: how soon it is seen that a reload has changed that."""

log = logging.getLogger("tidegate.tls")


async def watch_files(
    in_force: Callable[[], CertificateFiles | None], changed: Callable[[CertificatesPart], None]
) -> None:
    """Calls with what changed files hold; what cannot be used is told once, and the old ones stay. Never returns."""
    trouble, times = "", 0
    while True:
        files = in_force()
        await asyncio.sleep((files and files.reload_interval) or NO_FILES_S)
        if files is None or not files.reload_interval or files is not in_force():
            continue
        if not trouble and not files.changed():
            continue
        try:
            certificates = files.read()
        except CertificateError as problem:
            times = times + 1 if str(problem) == trouble else 1
            trouble = str(problem)
            # Files are replaced one after the other: a pair that does not fit at the first look is no trouble yet.
            if times == 2:
                log.error("%s; the certificates of before stay in use", problem)
            continue
        trouble = ""
        log.info("certificates have changed: new connections see the new ones")
        changed(certificates)
