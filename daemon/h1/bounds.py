"""How much of a connection is read, thrown away and served at a time."""

from __future__ import annotations

READ_BYTES = 65536
"""One read. It bounds what a connection holds while no worker has credit, and small buffers spare the allocator."""

READ_AHEAD = 65536
"""Bytes of later requests (or of a body that nobody wants yet) that are read only to notice when the client leaves."""

DISCARD_BYTES = 256 * 1024
DISCARD_SECONDS = 1.0
"""How much of a body is read and thrown away after an answer that did not wait for it (DESIGN step 2)."""

LINGER_SECONDS = 1.0
"""How long a half-closed connection waits for its client: closing over unread data would destroy the answer."""

FIRST_HEAD_SECONDS = 0.5
"""When Tidegate stops: how long a connection that was just accepted has for its first head. Its client has been let in and
knows of nothing; a request over the slowest usual path is here within that time."""

REQUESTS_PER_TURN = 16
"""Pipelined requests served before other connections have their turn: about 2 ms."""
