"""`tidegate dead-letters`: files as a worker writes them, while it writes them, and a store that takes them back."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import load
from tidegate.cli.letter_files import SETTLED_FILE, LetterFiles, LettersBusy, StoredLetter
from tidegate.cli.letter_retry import in_requests, send
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.settings.parts import DeadLetterPart
from tidegate.workers.sinks.contract import Postponed, Refused, TooLarge, Written
from tidegate.workers.sinks.dead_letters import DeadLetters
from tidegate.workers.sinks.parcel import Letter
from tidegate.workers.spool.block import Block, block_lines

pytestmark = pytest.mark.usefixtures("alone")
NOW = 1_735_725_600.0
SMALL = 16_000
"""Bytes of all letters of a worker: a file holds an eighth, so a few letters fill one."""


def letter(number: int, index: str = "traces-apm-default", reason: str = "failed to parse field") -> Letter:
    action = json.dumps({"create": {"_index": index, "_id": f"id{number:04d}"}}).encode()
    document = json.dumps({"@timestamp": 1_735_725_600_000, "number": number, "text": "\u202ex" * 40}).encode()
    return Letter(action, document, 400, "document_parsing_exception", reason)


@pytest.fixture
def data(alone: Path) -> Path:
    return alone / "data"


class Worker:
    """A worker's dead letters, and its daemon's lock."""

    def __init__(self, data: Path, number: int = 0, max_bytes: int = SMALL) -> None:
        self.now = NOW
        self.folder = data / "dead-letters" / str(number)
        self.letters = DeadLetters(DeadLetterPart(str(self.folder), max_bytes, 30 * 86400.0), lambda: self.now)
        data.mkdir(exist_ok=True)
        self._lock = os.open(data / "tidegate.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def refuse(self, *numbers: int, **more: Any) -> None:
        for number in numbers:
            self.letters.write([letter(number, **more)])

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.ndjson"))

    def stop(self) -> None:
        self.letters.close()
        os.close(self._lock)


@pytest.fixture
def worker(data: Path) -> Worker:
    return Worker(data)


def ids(data: Path) -> list[str]:
    return [one.id for one in LetterFiles(data).letters()]


# ---------------------------------------------------------------------------------------------------------------- files


def test_nothing_there(data: Path) -> None:
    with LetterFiles(data) as files:
        assert list(files.letters()) == []
        assert files.clean_up() == 0


def test_letters_of_all_workers_oldest_first_and_each_once(data: Path, worker: Worker) -> None:
    Worker(data, 10).refuse(3)
    Worker(data, 2).refuse(2, 0)
    worker.refuse(0, 1, 0)
    assert ids(data) == ["id0000", "id0001", "id0002", "id0003"]
    (first, *_) = LetterFiles(data).letters()
    assert (first.status, first.type, first.reason) == (400, "document_parsing_exception", "failed to parse field")
    assert bytes(first.document) == letter(0).document, "to the byte"


def test_a_line_that_is_being_written_is_left_out(data: Path, worker: Worker) -> None:
    worker.refuse(0, 1)
    (file,) = LetterFiles(data).files()
    whole = file.read_bytes()
    second = whole.index(b"\n") + 1
    for end in range(second, len(whole)):
        file.write_bytes(whole[:end])
        files = LetterFiles(data)
        assert [one.id for one in files.letters()] == ["id0000"]
        assert files.damaged == 0


def test_damaged_lines_are_counted_and_the_rest_is_read(data: Path, worker: Worker) -> None:
    worker.refuse(0)
    (file,) = LetterFiles(data).files()
    no_id = b'{"@timestamp":"","index":"","id":"","status":400,"type":"","reason":"","document":{}}\n'
    file.write_bytes(b"\x00\xff\n{}\n" + no_id + file.read_bytes())
    files = LetterFiles(data)
    assert [one.id for one in files.letters()] == ["id0000"]
    assert files.damaged == 3


def test_what_the_worker_writes_meanwhile_survives(data: Path) -> None:
    """It writes into the file of which everything was settled a moment ago."""
    worker = Worker(data, max_bytes=1 << 20)
    worker.refuse(0, 1)
    with LetterFiles(data) as files:
        files.settle(ids(data))
        worker.refuse(2)
        assert files.clean_up() == 0
    worker.refuse(3)
    assert ids(data) == ["id0002", "id0003"]
    assert len(worker.files()) == 1


def test_full_files_go_once_all_in_them_is_settled(data: Path, worker: Worker) -> None:
    worker.refuse(*range(8))
    before = worker.files()
    assert len(before) > 2
    with LetterFiles(data) as files:
        files.settle(ids(data))
        assert files.clean_up() == len(before) - 1
    assert worker.files() == before[-1:], "the newest is the worker's"
    worker.stop()
    with LetterFiles(data) as files:
        assert files.clean_up() == 1
    assert worker.files() == []
    assert (data / "dead-letters" / SETTLED_FILE).read_text() == "", "what no file holds is forgotten"
    again = Worker(data)
    again.refuse(99)
    assert ids(data) == ["id0099"]


def test_what_is_settled_stays_so_over_restarts_of_the_worker(data: Path, worker: Worker) -> None:
    worker.refuse(0, 1)
    with LetterFiles(data) as files:
        files.settle(["id0000"])
        files.clean_up()
    worker.stop()
    Worker(data).refuse(2, 0)
    assert ids(data) == ["id0001", "id0002"], "an id is one event: what is stored cannot be dead"


def test_one_at_a_time(data: Path, worker: Worker) -> None:
    worker.refuse(0)
    with LetterFiles(data), pytest.raises(LettersBusy, match="another command is at work"), LetterFiles(data):
        pass
    with LetterFiles(data):
        assert main(["dead-letters", "purge", "--all", "--path.data", str(data)]) == EXIT_FAILURE


def test_private(data: Path, worker: Worker) -> None:
    worker.refuse(0)
    with LetterFiles(data) as files:
        files.settle(["id0000"])
    assert (data / "dead-letters" / SETTLED_FILE).stat().st_mode & 0o777 == 0o600


# --------------------------------------------------------------------------------------------------------------- sending


class Store:
    """A sink that refuses, postpones or finds too large what it is told to."""

    def __init__(self, refuses: Sequence[int] = (), postpones: Sequence[int] = (), most: int = 1000) -> None:
        self._refuses, self._postpones, self._most = refuses, postpones, most
        self.stored: list[dict[str, Any]] = []
        self.calls = 0

    def write(self, blocks: Sequence[Block], *, unsure: bool = False) -> Written:
        self.calls += 1
        (block,) = blocks
        if block.documents > self._most:
            raise TooLarge
        written = Written()
        lines = block_lines(block)
        for item in range(block.documents):
            action, document = json.loads(lines[2 * item]), json.loads(lines[2 * item + 1])
            if document["number"] in self._refuses:
                written.refused.append(Refused(item, 400, "bad", "still"))
            elif document["number"] in self._postpones:
                written.postponed.append(Postponed(item, "busy", degraded=False))
            else:
                self.stored.append(action["create"])
                written.counts[EventOutcome.INDEXED] += 1
        return written


def stored_letters(data: Path, *numbers: int) -> list[StoredLetter]:
    Worker(data).refuse(*numbers)
    return list(LetterFiles(data).letters())


@pytest.mark.parametrize("level", [0, 1, 6])
@pytest.mark.parametrize("most", [1000, 2, 1])
def test_each_goes_out_once_under_its_id(data: Path, level: int, most: int) -> None:
    store = Store(refuses=[1], postpones=[3], most=most)
    sent = send(stored_letters(data, *range(5)), store, level)
    assert sent.stored == ["id0000", "id0002", "id0004"]
    assert store.stored == [{"_index": "traces-apm-default", "_id": one} for one in sent.stored]
    assert sent.refused == {"bad (400): still": 1}
    assert sent.postponed == {"busy": 1}


def test_a_single_one_that_is_too_large_stays(data: Path) -> None:
    sent = send(stored_letters(data, 0), Store(most=0), 1)
    assert sent.stored == [] and sum(sent.refused.values()) == 1


def test_requests_are_small(data: Path) -> None:
    some = stored_letters(data, 0)
    assert [len(group) for group in in_requests(some * 1201)] == [500, 500, 201]
    assert list(in_requests([])) == []


# -------------------------------------------------------------------------------------------------------------- commands


def command(data: Path, *words: str) -> int:
    return main(["dead-letters", *words, "--path.data", str(data)])


def test_list(data: Path, worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.refuse(1, 2)
    worker.refuse(3, index="logs-apm.error-default", reason="bad\x1b[31m" + "x" * 200)
    assert command(data, "list") == EXIT_OK
    out, err = capsys.readouterr()
    assert err.endswith(f"data: {data}\n")
    heading, first, why, second, other = out.splitlines()
    assert heading.split() == ["LETTERS", "LAST", "DATA", "STREAM,", "ERROR"]
    assert first.split()[0] == "2" and first.endswith("traces-apm-default")
    assert why.strip() == "document_parsing_exception (400): failed to parse field"
    assert second.split()[0] == "1" and second.endswith("logs-apm.error-default")
    assert "\x1b" not in out and all(len(line) <= 80 for line in out.splitlines()) and r"\x1b" in other
    assert command(data, "list", "--index", "logs-*") == EXIT_OK
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_list_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("list", "show"):
        assert command(data, action) == EXIT_OK
        out, err = capsys.readouterr()
        assert out == "" and "no dead letters: good" in err
    assert not data.exists()


def test_show(data: Path, worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.refuse(*range(12))
    assert command(data, "show", "--json") == EXIT_OK
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["id"] for one in shown] == [one.id for one in list(LetterFiles(data).letters())[:10]]
    assert command(data, "show", "--json", "--limit", "0", "id0011") == EXIT_OK
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isascii() and json.loads(line)["document"]["number"] == 11
    assert command(data, "show", "id0011") == EXIT_OK
    out = capsys.readouterr().out
    assert out.isascii() and '"number": 11' in out and "document_parsing_exception (400)" in out
    assert command(data, "show", "nosuchid") == EXIT_FAILURE


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--all"], []),
        (["id0001"], [0, 2, 3]),
        (["id000"], []),
        (["--index", "logs-*"], [0, 1, 2]),
        (["--older-than", "1h"], [2, 3]),
        (["--older-than", "9w"], [0, 1, 2, 3]),
        (["--older-than", "1h", "id0003"], [0, 1, 2, 3]),
    ],
)
def test_purge(data: Path, capsys: pytest.CaptureFixture[str], words: list[str], left: list[int]) -> None:
    worker = Worker(data, max_bytes=1 << 20)
    worker.now = time.time() - 7200
    worker.refuse(0, 1)
    worker.now = time.time()
    worker.refuse(2)
    worker.refuse(3, index="logs-apm.error-default")
    assert command(data, "purge", *words) == EXIT_OK
    assert capsys.readouterr().out.startswith(f"{4 - len(left)} dead letter")
    assert ids(data) == [f"id{number:04d}" for number in left]


def test_purge_wants_to_be_told_what(data: Path, worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.refuse(0)
    assert command(data, "purge") == EXIT_USAGE
    assert "--all" in capsys.readouterr().err
    assert ids(data) == ["id0000"]


@pytest.fixture
def fake(shared: Path) -> Iterator[Any]:
    """The stand-in for Elasticsearch."""
    with load(shared / "tools" / "fake_elasticsearch.py").FakeElasticsearch() as stand_in:
        yield stand_in


def retry(data: Path, fake: Any, *words: str) -> int:
    return command(data, "retry", "-E", f"output.elasticsearch.hosts={fake.url}", *words)


def test_retry_stores_each_once(data: Path, worker: Worker, fake: Any, capsys: pytest.CaptureFixture[str]) -> None:
    worker.refuse(*range(6))
    fake.configure(item_error_matching='"number": 4')
    assert retry(data, fake) == EXIT_FAILURE
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "5 documents stored"
    assert out.splitlines()[1].startswith("1 refused again: document_parsing_exception (400)")
    assert ids(data) == ["id0004"]
    fake.configure(item_error_matching="")
    worker.refuse(6)
    assert retry(data, fake) == EXIT_OK
    assert ids(data) == []
    documents = fake.documents()
    assert sorted(one["_id"] for one in documents) == [f"id{number:04d}" for number in range(7)]
    assert {one["_index"] for one in documents} == {"traces-apm-default"}
    assert retry(data, fake) == EXIT_OK
    assert len(fake.documents()) == 7


def test_retry_of_what_was_stored_before_settles_it(data: Path, worker: Worker, fake: Any) -> None:
    """As after a crash between the answer and the note: 409, and not a second document."""
    worker.refuse(0)
    assert retry(data, fake) == EXIT_OK
    (data / "dead-letters" / SETTLED_FILE).unlink()
    assert ids(data) == ["id0000"]
    assert retry(data, fake) == EXIT_OK
    assert ids(data) == [] and len(fake.documents()) == 1


def test_retry_of_some(data: Path, worker: Worker, fake: Any) -> None:
    worker.refuse(0, 1)
    worker.refuse(2, index="logs-apm.error-default")
    assert retry(data, fake, "--index", "logs-*") == EXIT_OK
    assert retry(data, fake, "id0001") == EXIT_OK
    assert ids(data) == ["id0000"]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"mode": "status", "status": 503}, "not taken now: Elasticsearch answers 503"),
        ({"mode": "drop", "scope": "all"}, "cannot be reached"),
        ({"mode": "refuse"}, "cannot be reached"),
        ({"item_429_share": 1.0}, "3 not taken now: "),
    ],
)
def test_retry_while_elasticsearch_is_unwell(
    data: Path, worker: Worker, fake: Any, capsys: pytest.CaptureFixture[str], behaviour: dict[str, Any], words: str
) -> None:
    worker.refuse(0, 1, 2)
    fake.configure(**behaviour)
    assert retry(data, fake) == EXIT_FAILURE
    out, err = capsys.readouterr()
    assert words in out + err
    assert ids(data) == ["id0000", "id0001", "id0002"]


def test_retry_into_the_local_store(data: Path, worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.refuse(0)
    assert command(data, "retry", "-E", "output.local.enabled=true") == EXIT_FAILURE
    assert "stop Tidegate" in capsys.readouterr().err
    worker.stop()
    command(data, "retry", "-E", "output.local.enabled=true")
    assert "stop Tidegate" not in capsys.readouterr().err


def test_no_dead_letter_that_a_cut_note_names_is_lost(data: Path, worker: Worker) -> None:
    worker.refuse(0, 1, 2)
    settled = data / "dead-letters" / SETTLED_FILE
    settled.write_text("id0000\nid00")  # a crash in the middle of a line
    assert ids(data) == ["id0001", "id0002"]
    with LetterFiles(data) as files:
        files.settle(["id0001"])
        files.clean_up()
    assert "id0002" in ids(data)
