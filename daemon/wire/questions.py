"""Questions that an acceptor asks a worker, since only workers can reach the store: short, typed, one table.

No reply can carry a stored event: replies hold verdicts and settings, nothing else (`tests/daemon/wire/test_questions.py`).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

QUESTIONS_PER_SESSION = 64
"""Unanswered questions on one connection; more would only wait behind a slow store. Beyond it an asker is told so at once."""


class Ask(msgspec.Struct, frozen=True, tag_field="ask"):
    """Base of all questions."""

    at_first_worker: ClassVar[bool] = False
    """Always asked at the worker with the lowest number, so that what must happen once for all happens in one place."""


class Reply(msgspec.Struct, frozen=True, tag_field="reply"):
    """Base of all replies."""


class Ping(Ask, frozen=True, tag="ping"):
    """Is the store reachable?"""


class Pong(Reply, frozen=True, tag="pong"):
    """`ready`: the sink has passed its check."""

    ready: bool


class FindConfiguration(Ask, frozen=True, tag="find_configuration"):
    """Which central configuration has this service? (http-surface.md 6)"""

    at_first_worker: ClassVar[bool] = True

    service: str
    environment: str
    """Empty: none."""
    etag: str = ""
    """That of the configuration which the agent has; that of the rule itself marks it as applied."""
    agents: tuple[str, ...] | None = None
    """For callers without credentials: what the agent's name that stands in a rule has to begin with. None: all is seen."""


class Configuration(Reply, frozen=True, tag="configuration"):
    """The settings of the rule that was found, names in order; None for a rule that has none at all."""

    settings: dict[str, str] | None
    etag: str


class NoConfiguration(Reply, frozen=True, tag="no_configuration"):
    """No rule is for this service."""


class StoreForbids(Reply, frozen=True, tag="store_forbids"):
    """The store's answer is that Tidegate's own credentials do not suffice."""


class Unavailable(Reply, frozen=True, tag="unavailable"):
    """The store cannot be asked now; the reason is for the log, not for clients."""

    reason: str


class CheckApiKey(Ask, frozen=True, tag="check_api_key"):
    """What may the bearer of this API key do? (http-surface.md 3.3)"""

    credential: str
    """base64 of `id:key`, as it was sent."""


class KeyPrivileges(Reply, frozen=True, tag="key_privileges"):
    """What the key allows; nothing: it is no good key."""

    privileges: list[str]


class MapPiece(Ask, frozen=True, tag="map_piece"):
    """Take a piece of a source map. Pieces come one after the other, the next when the last one was taken."""

    at_first_worker: ClassVar[bool] = True

    upload: str
    """Chosen by the asker, the same for all pieces of a map."""
    number: int
    """From 1."""
    data: bytes


class KeepMap(Ask, frozen=True, tag="keep_map"):
    """Keep the source map whose pieces were taken. (http-surface.md 5.5)"""

    at_first_worker: ClassVar[bool] = True

    upload: str
    pieces: int
    service: str
    version: str
    path: str


class DropMap(Ask, frozen=True, tag="drop_map"):
    """Forget the pieces: their sender is gone."""

    at_first_worker: ClassVar[bool] = True

    upload: str


class PieceTaken(Reply, frozen=True, tag="piece_taken"):
    """The next one may come; also the reply to `DropMap`."""


class MapKept(Reply, frozen=True, tag="map_kept"):
    """It is stored."""


class MapRefused(Reply, frozen=True, tag="map_refused"):
    """It is no source map that can be kept; the reason is for its sender."""

    reason: str
    too_large: bool = False


AnyAsk = Ping | CheckApiKey | FindConfiguration | MapPiece | KeepMap | DropMap
AnyReply = (
    Pong
    | KeyPrivileges
    | Configuration
    | NoConfiguration
    | StoreForbids
    | Unavailable
    | PieceTaken
    | MapKept
    | MapRefused
)
"""Unions, one member for each row of `TABLE`."""

TABLE: dict[type[Ask], tuple[type[Reply], ...]] = {
    Ping: (Pong, Unavailable),
    CheckApiKey: (KeyPrivileges, Unavailable),
    FindConfiguration: (Configuration, NoConfiguration, StoreForbids, Unavailable),
    MapPiece: (PieceTaken, MapRefused, Unavailable),
    KeepMap: (MapKept, MapRefused, Unavailable),
    DropMap: (PieceTaken,),
}
"""Which replies a question can have."""


class Question(msgspec.Struct, frozen=True, array_like=True):
    """The frame of a question; `number` is the acceptor's own count."""

    session: bytes
    number: int
    ask: AnyAsk


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The frame of a reply."""

    session: bytes
    number: int
    reply: AnyReply
