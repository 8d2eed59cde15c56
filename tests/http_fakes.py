"""Stand-ins for what the acceptor's parts touch: the loop's clock, a transport, workers, an exchange."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from tidegate.daemon.auth.identity import OPEN
from tidegate.daemon.h1.client_address import ClientAddress, client_address
from tidegate.daemon.h1.exchange import BodySink
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.limits.buckets import Purse
from tidegate.daemon.outcomes import RouteGroup
from tidegate.daemon.settings.parts import AcceptorPart, AuthPart, BrowsersPart, ForwardingPart, LoggingPart, UploadPart
from tidegate.daemon.telemetry.metrics import CELLS, Role
from tidegate.daemon.telemetry.slots import Tally
from tidegate.daemon.wire.courier import Answered, Parcel, Replied
from tidegate.daemon.wire.frames import Verdict
from tidegate.daemon.wire.questions import AnyAsk, Unavailable


def make_part(**changes: Any) -> AcceptorPart:
    """Settings of an acceptor: the defaults, with changes."""
    values: dict[str, Any] = {
        "logging": LoggingPart("info", "json", "all"),
        "version": "9.5.2",
        "build_date": "2026-01-02T03:04:05Z",
        "build_sha": "abc",
        "hostname": "here",
        "namespace": "default",
        "default_environment": "",
        "capture_personal_data": True,
        "max_header_size": 1048576,
        "max_event_size": 307200,
        "max_connections": 0,
        "max_connections_per_address": 0,
        "connection_memory": 256 << 20,
        "max_concurrent_decoders": 0,
        "max_body_size": 0,
        "read_timeout": 30.0,
        "write_timeout": 20.0,
        "idle_timeout": 45.0,
        "shutdown_timeout": 5.0,
        "queue_timeout": 5.0,
        "response_headers": {},
        "forwarding": ForwardingPart(("private", "192.0.2.1"), from_right=False),
        "address_limit": 1000,
        "shares_limits": False,
        "auth": AuthPart([], False, 100, None),
        "browsers": BrowsersPart(False, ["*"], "text", [], {}, []),
        "agent_config_max_age": 30,
        "health_path": "",
        "upload": UploadPart(enabled=True, mapping=True, max_upload=1 << 20, max_map_size=4 << 20),
    }
    return AcceptorPart(**(values | changes))


def new_tally(role: Role = Role.ACCEPTOR) -> Tally:
    """Cells in memory."""
    return Tally(len(CELLS[role]))


class FakeHandle:
    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """A loop whose time passes only in `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[FakeHandle] = []
        self.soon: deque[FakeHandle] = deque()
        self.armed = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeHandle:
        handle = FakeHandle(when, callback)
        self.timers.append(handle)
        self.armed += 1
        return handle

    def call_soon(self, callback: Callable[[], None]) -> FakeHandle:
        handle = FakeHandle(self.now, callback)
        self.soon.append(handle)
        return handle

    def settle(self) -> None:
        """Runs what was to run soon."""
        while self.soon:
            handle = self.soon.popleft()
            if not handle.cancelled:
                handle.call()

    def advance(self, seconds: float) -> None:
        """Lets time pass and runs what becomes due, in order."""
        end = self.now + seconds
        while True:
            self.settle()
            self.timers = [timer for timer in self.timers if not timer.cancelled]
            due = [timer for timer in self.timers if timer.when <= end]
            if not due:
                break
            first = min(due, key=lambda timer: timer.when)
            self.timers.remove(first)
            self.now = max(self.now, first.when)
            first.call()
        self.now = end


class FakeTransport:
    """Collects what is written. `slow`: nothing leaves the write buffer."""

    def __init__(self, slow: bool = False) -> None:
        self.written = bytearray()
        self.slow = slow
        self.reading = True
        self.half_closed = False
        self.closed = False
        self.aborted = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.1", 5555) if name == "peername" else default

    def write(self, data: bytes) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return len(self.written) if self.slow else 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class FakeWaiting:
    def __init__(self, line: list[Callable[[], None]], call: Callable[[], None]) -> None:
        self._line = line
        self._call = call

    def cancel(self) -> None:
        if self._call in self._line:
            self._line.remove(self._call)


class FakeCourier:
    """Workers that take `credit` parcels and answer when the test says so."""

    def __init__(self, credit: int = 1000, at_once: bool = False) -> None:
        self.asked: list[tuple[AnyAsk, Replied]] = []
        self.workers = 1
        self.credit = credit
        self.at_once = at_once
        self.parcels: list[Parcel] = []
        self.unanswered: dict[int, tuple[Parcel, Answered]] = {}
        self.line: list[Callable[[], None]] = []

    def try_send(self, parcel: Parcel, answered: Answered) -> bool:
        if self.credit <= 0:
            return False
        self.credit -= 1
        self.parcels.append(parcel)
        if self.at_once:
            answered(accept_all(parcel))
        else:
            self.unanswered[len(self.parcels) - 1] = (parcel, answered)
        return True

    def when_credit(self, sender: bytes, program: bytes, call: Callable[[], None]) -> FakeWaiting:
        self.line.append(call)
        return FakeWaiting(self.line, call)

    def ask(self, ask: AnyAsk, replied: Replied) -> None:
        if self.workers:
            self.asked.append((ask, replied))
        else:
            replied(Unavailable("no worker is running"))

    def connected(self) -> bool:
        return self.workers > 0

    def trouble(self) -> str:
        return "all workers are busy"

    def give(self, credit: int) -> None:
        """More credit, told to those who wait."""
        self.credit += credit
        while self.line and self.credit > 0:
            self.line.pop(0)()

    def answer(self, index: int, **verdict: Any) -> None:
        """Answers the parcel that was sent as number `index`; by default all its lines are accepted."""
        parcel, answered = self.unanswered.pop(index)
        answered(Verdict(b"", parcel.batch_id, 0, **verdict) if verdict else accept_all(parcel))

    def answer_all(self) -> None:
        for index in list(self.unanswered):
            self.answer(index)

    @property
    def lines(self) -> bytes:
        """All lines that were sent."""
        return b"".join(parcel.lines for parcel in self.parcels)


def accept_all(parcel: Parcel) -> Verdict:
    """The verdict on a parcel whose lines are all good."""
    return Verdict(b"", parcel.batch_id, 0, sum(bool(line) for line in parcel.lines.split(b"\n")))


class FakeExchange:
    """An exchange without a connection."""

    def __init__(self, part: AcceptorPart, clock: FakeClock, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.head = RequestHead(b"POST", b"/intake/v2/events", headers or [])
        self.peer_ip, self.peer_port = "192.0.2.1", 5555
        self.received_ns = 1_700_000_000_000_000_000
        self.part = part
        self.clock = clock
        self.identity = OPEN
        self.group = RouteGroup.OTHER
        self.purse: Purse | None = None
        self.wanted = False
        self.route_headers: tuple[tuple[str, str], ...] = ()
        self.answers: list[Answer] = []
        self.held = 0
        self.echoed = 0
        self.document_bytes = part.max_event_size
        self.give_up: Callable[[], None] = lambda: None

    @property
    def client(self) -> ClientAddress:
        return client_address(self.head, self.peer_ip, self.peer_port, self.part.forwarding)

    def answer(self, answer: Answer) -> None:
        if self.answers:
            raise AssertionError("answered twice")
        self.answers.append(answer)

    def pause(self) -> None:
        self.wanted = False

    def resume(self) -> None:
        self.wanted = True

    def hold(self, held: int, echoed: int, give_up: Callable[[], None]) -> None:
        self.held, self.echoed, self.give_up = held, echoed, give_up

    @property
    def body(self) -> Any:
        """The body of the answer."""
        (answer,) = self.answers
        return answer.body

    @property
    def status(self) -> int:
        (answer,) = self.answers
        return int(answer.outcome.value.status)


class RecordingSink:
    """A body sink that remembers, and answers when the test says so."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.events: list[str] = []

    def data(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def end(self) -> None:
        self.events.append("end")

    def broken(self, text: str) -> None:
        self.events.append(f"broken: {text}")

    def lost(self) -> None:
        self.events.append("lost")

    def expire(self) -> None:
        self.events.append("expire")

    def failed(self) -> None:
        self.events.append("failed")


_: type[BodySink] = RecordingSink
