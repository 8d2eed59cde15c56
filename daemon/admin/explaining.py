"""What all processes remember of a service, gathered for `tidegate explain`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from urllib.parse import parse_qs

import msgspec
from tidegate.daemon.admin.pages import Reply, Request, Routes, json_reply
from tidegate.daemon.api.logged_text import without_content
from tidegate.daemon.child_process import Child
from tidegate.daemon.control.messages import Findings, Inquire
from tidegate.daemon.telemetry.notes import LONGEST_TEXT, REFUSALS, RefusalNote, ServiceNote, joined

PATIENCE_S = 3.0
"""For all processes to answer; one that hangs is left out."""


class Explanation(msgspec.Struct, frozen=True):
    """Of one service."""

    service: ServiceNote | None
    """None: no request of it was decoded since the workers started (or it was long ago)."""
    refusals: list[RefusalNote]
    silent: int
    """Processes that did not answer."""


class Explaining:
    """All methods from the event loop's thread."""

    def __init__(self, children: Callable[[], Collection[Child]]) -> None:
        self._children = children
        self._number = 0
        self._asked: dict[int, dict[tuple[str, int], Findings]] = {}
        self._answered = asyncio.Event()

    def routes(self) -> Routes:
        """For the admin socket alone: it names services."""
        return {("GET", "/explain"): self._explain}

    def heard(self, child: Child, findings: Findings) -> None:
        """A child answers. Only workers know services: what an acceptor says of them is left out."""
        if findings.number in self._asked:
            services = findings.services if child.role == "worker" else []
            refusals = findings.refusals[:REFUSALS]
            self._asked[findings.number][child.role, child.number] = Findings(findings.number, services, refusals)
            self._answered.set()

    async def _explain(self, request: Request) -> Reply:
        service = "".join(parse_qs(request.query).get("service", []))
        if not service:
            return json_reply({"error": "wants ?service=NAME"}, 400)
        self._number += 1
        number = self._number
        found = self._asked[number] = {}
        children = [child for child in self._children() if child.started is not None]
        for child in children:
            child.send(Inquire(number, service))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(found) < len(children):
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            pass
        finally:
            del self._asked[number]
        note = joined(one for findings in found.values() for one in findings.services)
        if note is not None:
            note.reason = without_content(note.reason)[:LONGEST_TEXT]
        refusals = [one for findings in found.values() for one in findings.refusals]
        return json_reply(Explanation(note, refusals, len(children) - len(found)))
