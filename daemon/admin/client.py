"""A command asks the running instance; blocking, for programs without an event loop."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Any

import msgspec
from tidegate.daemon.admin.pages import Reply
from tidegate.daemon.admin.places import NAME, reachable


class CannotAsk(Exception):
    """There is nobody to ask, or no answer; the text says why and what to do."""


class NotRunning(CannotAsk):
    """No instance runs there."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, folder: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._folder = folder

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with reachable(self._folder) as path:
            self.sock.connect(path)


def ask(folder: Path, method: str, path: str, timeout: float) -> Reply:
    """The reply of the instance whose `path.data` is `folder`, within so many seconds. Raises CannotAsk."""
    connection = _Connection(folder, timeout)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return Reply(response.status, response.read(), response.getheader("content-type") or "")
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise NotRunning(
            f"no Tidegate runs with path.data {folder} (nobody listens on {folder / NAME}); if it runs with other settings, "
            "give the same -c FILE or --path.data"
        ) from None
    except PermissionError:
        raise CannotAsk(
            f"{folder / NAME} is for Tidegate's own user and root: sudo -u tidegate tidegate …, or as root"
        ) from None
    except TimeoutError:
        raise CannotAsk(f"Tidegate did not answer within {timeout:g} s; its log says what it does") from None
    except (OSError, http.client.HTTPException) as problem:
        raise CannotAsk(f"{folder / NAME}: {problem or type(problem).__name__}") from problem
    finally:
        connection.close()


def ask_json(folder: Path, method: str, path: str, timeout: float) -> Any:
    """The content of a reply in JSON with a status below 400. Raises CannotAsk."""
    reply = ask(folder, method, path, timeout)
    try:
        content = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        content = {}
    if reply.status >= 400:
        error = content.get("error") if isinstance(content, dict) else None
        raise CannotAsk(f"Tidegate answered {reply.status}: {error or 'without a reason'}")
    return content
