"""Serves the table of routes on sockets of this machine: HTTP/1.1 by h11, one request to a connection."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from contextlib import suppress
from typing import cast

import h11
from tidegate.daemon.admin.pages import Reply, Request, Routes, find, json_reply

REQUEST_S = 5.0
"""For a whole request to come; it comes from the same machine and has a few hundred bytes."""
ANSWER_S = 5.0
"""For an answer to be taken."""
HEAD_BYTES = 16 << 10
"""As much as is read at a time; h11 refuses heads beyond it."""
BODY_BYTES = 64 << 10
"""No route takes more than a few words."""
MOST = 16
"""Connections at a time; further ones are closed at once. A person, a scraper and a health check are three."""

_CREDENTIALS = struct.Struct("3i")
"""struct ucred (unix(7)): pid, uid, gid."""

log = logging.getLogger("tidegate.admin")


class AdminServer:
    """All methods from the event loop's thread."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self, sock: socket.socket) -> None:
        """Serves a bound socket from now on; it is closed with the server."""
        start = asyncio.start_unix_server if sock.family == socket.AF_UNIX else asyncio.start_server
        self._servers.append(await start(self._accepted, sock=sock, limit=HEAD_BYTES))

    async def close(self) -> None:
        """Stops listening, cuts what is open."""
        for server in self._servers:
            server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST or not is_ours(writer.get_extra_info("socket")):
            writer.close()
            return
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as problem:
            log.debug("an admin connection ended early: %s", type(problem).__name__)
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        try:
            async with asyncio.timeout(REQUEST_S):
                request = await _read(connection, reader)
        except h11.RemoteProtocolError as problem:
            reply = json_reply({"error": str(problem)}, problem.error_status_hint)
        else:
            if request is None:
                return
            reply = await self._answer(request)
        async with asyncio.timeout(ANSWER_S):
            await _write(connection, writer, reply)

    async def _answer(self, request: Request) -> Reply:
        found = find(self._routes, request)
        if isinstance(found, Reply):
            return found
        try:
            return await found(request)
        except Exception:  # whoever asked has to hear of it, and the next one is not to suffer
            log.exception("the admin route %s failed", request.path)
            return json_reply({"error": "this is a defect of Tidegate; its log says more"}, 500)


def is_ours(sock: socket.socket) -> bool:
    """Whether a UNIX socket's other end belongs to our own user or to root (unix(7), SO_PEERCRED); others have no such end."""
    if sock.family != socket.AF_UNIX:
        return True
    _, user, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return user in (0, os.geteuid())


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """The request; None when none came. Raises h11.RemoteProtocolError."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(HEAD_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_BYTES:
                raise h11.RemoteProtocolError(f"a body of more than {BODY_BYTES} bytes", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            path, _, query = head.target.decode("ascii").partition("?")
            return Request(head.method.decode("ascii"), path, query, bytes(body))
        else:
            return None


async def _write(connection: h11.Connection, writer: asyncio.StreamWriter, reply: Reply) -> None:
    headers = [
        ("content-type", reply.content_type),
        ("content-length", str(len(reply.body))),
        ("connection", "close"),
    ]
    with suppress(h11.LocalProtocolError):  # a request that was refused for what it is may have left h11 without words
        for event in (
            h11.Response(status_code=reply.status, headers=headers),
            h11.Data(reply.body),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(event) or b"")
    await writer.drain()
