"""API keys, checked at the store: Elasticsearch, or the file beside the local store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Protocol

from tidegate.daemon.settings.parts import ApiKeysPart
from tidegate.daemon.wire.questions import AnyReply, KeyPrivileges, Unavailable
from tidegate.workers.sinks.contract import TryAgain
from tidegate.workers.store.local_keys import LocalKeys

log = logging.getLogger("tidegate.auth")

THREADS = 4
"""Keys that are asked about at a time; `effective.KEY_QUESTIONS` is the same for connections."""


class Keys(Protocol):
    """Where keys are. Called in threads."""

    def privileges(self, credential: str) -> list[str]:
        """What the bearer may do; nothing for a bad key. Raises TryAgain where that cannot be said now."""

    def close(self) -> None:
        """Ends requests that are under way."""


def open_keys(part: ApiKeysPart) -> Keys:
    """The store that the part names. Raises OSError and ValueError for TLS settings that cannot be used."""
    if part.elasticsearch is None:
        return LocalKeys(Path(part.file))
    # Only where it is used: the client takes 30 MiB.
    from tidegate.workers.store.cluster_keys import ClusterKeys  # noqa: PLC0415 - see above

    return ClusterKeys(part.elasticsearch)


class KeyChecks:
    """Checks keys in a few threads; what waits for them is bounded by the credit for questions."""

    def __init__(self, keys: Keys, call_soon: Callable[..., object]) -> None:
        """`call_soon`: `call_soon_threadsafe` of the event loop."""
        self._keys = keys
        self._call_soon = call_soon
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api-keys")

    def check(self, credential: str, reply: Callable[[AnyReply], None]) -> None:
        """Replies once, from the event loop's thread."""

        def done(asked: Future[AnyReply]) -> None:
            if not asked.cancelled():
                self._call_soon(reply, asked.result())

        self._threads.submit(self._ask, credential).add_done_callback(done)

    def _ask(self, credential: str) -> AnyReply:
        try:
            return KeyPrivileges(self._keys.privileges(credential))
        except TryAgain as problem:
            return Unavailable(problem.cause)
        except Exception:  # whatever it is: never "allowed", and the acceptor is not left waiting
            log.exception("an API key could not be checked")
            return Unavailable("a defect of Tidegate, see the log of the worker")

    def retire(self) -> None:
        """Others take over: what is asked already is still answered, in the background."""

        def end() -> None:
            self._threads.shutdown(wait=True)
            self._keys.close()

        Thread(target=end, name="api-keys-end", daemon=True).start()

    def close(self) -> None:
        """Drops what has not begun."""
        self._keys.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
