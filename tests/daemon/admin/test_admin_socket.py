"""The admin socket as it is: a server and clients on a real UNIX socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tidegate.daemon.admin import places
from tidegate.daemon.admin.client import CannotAsk, ask, ask_json
from tidegate.daemon.admin.pages import Reply, Request, Routes, json_reply
from tidegate.daemon.admin.server import BODY_BYTES, MOST, AdminServer


async def mirror(request: Request) -> Reply:
    return json_reply({"method": request.method, "query": request.query, "body": len(request.body)})


async def broken(request: Request) -> Reply:
    raise RuntimeError("defect")


async def unwilling(request: Request) -> Reply:
    return json_reply({"error": "not now"}, 409)


ROUTES: Routes = {
    ("GET", "/mirror"): mirror,
    ("POST", "/mirror"): mirror,
    ("GET", "/broken"): broken,
    ("POST", "/unwilling"): unwilling,
}


def with_server(folder: Path, client: Callable[[], None]) -> None:
    """Runs a blocking client beside a server in `folder`."""

    async def both() -> None:
        server = AdminServer(ROUTES)
        await server.listen(places.listen(folder))
        try:
            await asyncio.to_thread(client)
        finally:
            await server.close()
            places.remove(folder)

    asyncio.run(both())


@pytest.mark.parametrize("depth", ["", "deep/" * 30], ids=["near", "too-deep-for-a-socket's-path"])
def test_a_client_is_answered_wherever_the_folder_lies(tmp_path: Path, depth: str) -> None:
    folder = tmp_path / depth
    folder.mkdir(parents=True, exist_ok=True)

    def client() -> None:
        assert (folder / places.NAME).stat().st_mode & 0o777 == 0o600
        assert ask_json(folder, "GET", "/mirror?a=1", 5) == {"method": "GET", "query": "a=1", "body": 0}
        assert ask(folder, "HEAD", "/mirror", 5)[:2] == (200, b"")
        assert ask(folder, "POST", "/mirror", 5).content_type == "application/json"

    with_server(folder, client)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/nothing", 404, "there are /broken, /mirror, /unwilling"),
        ("DELETE", "/mirror", 405, "takes GET, POST"),
        ("GET", "/broken", 500, "defect of Tidegate"),
        ("POST", "/unwilling", 409, "not now"),
    ],
)
def test_a_refusal_says_why(tmp_path: Path, method: str, path: str, status: int, text: str) -> None:
    def client() -> None:
        with pytest.raises(CannotAsk, match=rf"answered {status}: .*{text}"):
            ask_json(tmp_path, method, path, 5)

    with_server(tmp_path, client)


def say(folder: Path, data: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.socket(socket.AF_UNIX) as sock, places.reachable(folder) as path:
        sock.settimeout(5)
        sock.connect(path)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /mirror HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /mirror HTTP/1.1\r\nHost: x\r\n", b"400"),
        (b"", b""),
        (b"POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nshort", b"400"),
        (b"GET /" + b"x" * 20_000, b"431"),
        (b"POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n" + b"x" * (BODY_BYTES + 1), b"413"),
    ],
    ids=["no-http", "no-host", "half-a-head", "nothing", "half-a-body", "endless-head", "large-body"],
)
def test_bad_requests_end_alone(tmp_path: Path, data: bytes, status: bytes) -> None:
    def client() -> None:
        assert say(tmp_path, data)[9:12] == status
        assert ask(tmp_path, "GET", "/mirror", 5).status == 200

    with_server(tmp_path, client)


def test_too_many_connections_are_closed_at_once_and_make_room(tmp_path: Path) -> None:
    def client() -> None:
        held = [socket.socket(socket.AF_UNIX) for _ in range(MOST + 1)]
        with places.reachable(tmp_path) as path:
            for sock in held:
                sock.settimeout(5)
                sock.connect(path)
        assert held[MOST].recv(1) == b""
        for sock in held:
            sock.shutdown(socket.SHUT_RDWR)
            assert sock.recv(1) == b""
            sock.close()
        assert ask(tmp_path, "GET", "/mirror", 5).status == 200

    with_server(tmp_path, client)


def test_the_socket_of_a_dead_instance_makes_way(tmp_path: Path) -> None:
    places.listen(tmp_path).close()
    with pytest.raises(CannotAsk, match=r"no Tidegate runs with path\.data"):
        ask(tmp_path, "GET", "/", 5)
    places.listen(tmp_path).close()


def test_without_an_instance_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CannotAsk, match=r"--path\.data"):
        ask(tmp_path, "GET", "/", 5)
