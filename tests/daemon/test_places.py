import os
import socket
import stat
from pathlib import Path

import pytest
from tidegate.daemon import places
from tidegate.daemon.errors import StartError


def test_a_second_holder_of_the_data_folder_is_refused_in_the_words_of_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "LOCK_WAIT_S", 0.0)
    held = places.lock_data_folder(tmp_path)
    with pytest.raises(StartError, match="data path already locked by another beat"):
        places.lock_data_folder(tmp_path)
    os.close(held)
    os.close(places.lock_data_folder(tmp_path))


@pytest.mark.parametrize("reuse_port", [False, True])
def test_a_port_in_use_is_an_error_that_says_so(reuse_port: bool) -> None:
    with socket.socket() as other:
        if reuse_port:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"127\.0\.0\.1:{port} is already in use"):
            places.listen("127.0.0.1", port)


def test_an_unknown_host_is_an_error_with_its_key() -> None:
    with pytest.raises(StartError, match=r"apm-server\.host"):
        places.listen("no-such-host.invalid", 8200)


def test_the_runtime_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    folder = places.RuntimeFolder(tmp_path, None)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.remove()
    assert not folder.path.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_instance_left_is_removed_by_its_successor(tmp_path: Path) -> None:
    killed = places.RuntimeFolder(tmp_path, None)
    (killed.path / "acceptor-1-1.sock").touch()
    successor = places.RuntimeFolder(tmp_path, None)
    assert not killed.path.exists()
    successor.remove()


def test_a_note_that_names_another_folder_removes_nothing(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "runtime-folder").write_text(str(precious))
    places.RuntimeFolder(tmp_path, None).remove()
    assert precious.is_dir()


def test_a_given_runtime_folder_stays_but_is_emptied_of_our_sockets(tmp_path: Path) -> None:
    given = tmp_path / "run"
    given.mkdir()
    # Agents' own socket may lie there, too.
    for name in ("a1-0123abcd.sock", "intake.sock"):
        (given / name).touch()
    folder = places.RuntimeFolder(tmp_path, str(given))
    assert [path.name for path in given.iterdir()] == ["intake.sock"]
    (given / "a1-4567cdef.sock").touch()
    folder.remove()
    assert [path.name for path in given.iterdir()] == ["intake.sock"]


def test_a_unix_socket_takes_the_place_of_a_dead_one_only(tmp_path: Path) -> None:
    path = tmp_path / "intake.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    first = places.SocketFile(str(path))
    with pytest.raises(StartError, match="already in use"):
        places.SocketFile(str(path))
    assert path.is_socket()
    first.socket.close()
    second = places.SocketFile(str(path))
    first.remove()
    assert path.is_socket(), "another's by now"
    second.socket.close()
    second.remove()
    assert not path.exists()


def test_a_unix_socket_replaces_no_file_and_says_what_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "intake.sock"
    path.write_text("precious")
    with pytest.raises(StartError, match="no socket"):
        places.SocketFile(str(path))
    assert path.read_text() == "precious"
    with pytest.raises(StartError, match="No such file"):
        places.SocketFile(str(tmp_path / "missing" / "intake.sock"))


def test_the_umask_says_who_may_connect(tmp_path: Path) -> None:
    for umask, mode in ((0o077, 0o700), (0o007, 0o770)):
        old = os.umask(umask)
        try:
            file = places.SocketFile(str(tmp_path / "intake.sock"))
        finally:
            os.umask(old)
        assert stat.S_IMODE((tmp_path / "intake.sock").stat().st_mode) == mode
        file.socket.close()
        file.remove()
