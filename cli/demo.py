"""`tidegate demo`: sends one recorded request to a running server, so that there is a trace to look at.

`data/demo.ndjson` is what the Java agent 1.55.1 sent for one order in a small shop: a transaction with four database calls,
one of which fails, its error, and two log records. Addresses, cookies and host names were replaced, stack traces cut.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import orjson
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.places import add_store_arguments, find_store
from tidegate.cli.terminal import safe
from tidegate.cli.waterfall import counted
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings.problems import SettingsError
from tidegate.workers.sinks.local_reader import LocalReader, StoreUnreadable

DEFAULT_URL = "http://127.0.0.1:8200"
_TIMEOUT = 10.0
"""Seconds for connecting and for the answer: a server that syncs to a slow disk needs one or two."""
_ANSWER_BYTES = 65_536
_ARRIVAL_SECONDS = 5.0
"""How long to wait for the trace in the local store: the sink is at most a second behind on a quiet machine."""
_ARRIVAL_STEP = 0.1
_IDS = frozenset({"id", "trace_id", "transaction_id", "parent_id", "trace.id", "transaction.id", "span.id"})
_EVENTS = ("transaction", "span", "error", "log")


class Recording(NamedTuple):
    """A request body, ready to be sent."""

    body: bytes
    trace_id: str
    holds: Counter[str]


class SendFailed(Exception):
    """The server did not take the request; the message says why and what to do."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "demo",
        help="send a recorded request to the running server",
        text="Sends one recorded request, with new ids and as of now, to a running server; its trace can then be looked at. "
        "A server that wants a credential: set ELASTIC_APM_SECRET_TOKEN or ELASTIC_APM_API_KEY, as for an agent.",
        examples=(
            ("tidegate demo", "to the server on this machine"),
            ("tidegate demo --url https://apm.example:8200", "to another one"),
        ),
        exits={
            EXIT_OK: "sent, and accepted",
            EXIT_FAILURE: "not sent, or refused",
            EXIT_USAGE: "wrong usage",
        },
    )
    parser.add_argument("--url", default=DEFAULT_URL, help="where the server listens; %(default)s by default")
    add_store_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sends it and tells how to look at it; returns the exit code."""
    address = _address(arguments.url)
    if address is None:
        print(f"--url {safe(arguments.url)!r} is no address such as {DEFAULT_URL}", file=sys.stderr)
        return EXIT_USAGE
    recording = fresh(read_recording(), time.time_ns() // 1000, secrets.token_hex)
    try:
        send(address, recording.body, os.environ)
    except SendFailed as problem:
        print(problem, file=sys.stderr)
        return EXIT_FAILURE
    holds = ", ".join(counted(recording.holds[kind], kind) for kind in _EVENTS)
    print(f"sent one trace to {safe(_shown(address))}: {holds}")
    print(f"trace {recording.trace_id}")
    print(_where_to_look(arguments, recording.trace_id))
    return EXIT_OK


def _address(url: str) -> SplitResult | None:
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and address.hostname and address.port != 0
    except ValueError:  # brackets without an end, a port that is no number
        return None
    return address if usable else None


def read_recording() -> bytes:
    """The packaged request body: NDJSON."""
    return (files("tidegate.cli") / "data" / "demo.ndjson").read_bytes()


def fresh(recorded: bytes, now_us: int, random_hex: Callable[[int], str]) -> Recording:
    """The same request with new ids, as if its transaction had ended at `now_us`.

    `random_hex` returns twice as many hexadecimal digits as it is asked for bytes.
    """
    lines = [orjson.loads(line) for line in recorded.splitlines()]
    events = [next(iter(line.items())) for line in lines]
    transaction = next(event for kind, event in events if kind == "transaction")
    shift_us = now_us - transaction["timestamp"] - round(transaction["duration"] * 1000)
    renamed: dict[str, str] = {}
    for kind, event in events:
        if kind != "metadata":
            _rename(event, renamed, random_hex)
            _shift(event, shift_us)
    body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    return Recording(body, transaction["trace_id"], Counter(kind for kind, _ in events))


def _rename(event: dict[str, Any], renamed: dict[str, str], random_hex: Callable[[int], str]) -> None:
    for key in _IDS & event.keys():
        old = event[key]
        if old not in renamed:
            renamed[old] = random_hex(len(old) // 2)
        event[key] = renamed[old]


def _shift(event: dict[str, Any], shift_us: int) -> None:
    if "timestamp" in event:
        event["timestamp"] += shift_us
    if "@timestamp" in event:
        moved = datetime.fromisoformat(event["@timestamp"]) + timedelta(microseconds=shift_us)
        event["@timestamp"] = moved.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def send(address: SplitResult, body: bytes, environ: Mapping[str, str]) -> None:
    """Sends the body as an agent would. Raises SendFailed."""
    where = _shown(address)
    headers = {"Content-Type": "application/x-ndjson", "Accept": "application/json", "User-Agent": "tidegate-demo"}
    if environ.get("ELASTIC_APM_API_KEY"):
        headers["Authorization"] = f"ApiKey {environ['ELASTIC_APM_API_KEY']}"
    elif environ.get("ELASTIC_APM_SECRET_TOKEN"):
        headers["Authorization"] = f"Bearer {environ['ELASTIC_APM_SECRET_TOKEN']}"
    try:
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(address.hostname), address.port, timeout=_TIMEOUT)
        try:
            connection.request("POST", f"{address.path.rstrip('/')}/intake/v2/events", body, headers)
            response = connection.getresponse()
            status, answer = response.status, response.read(_ANSWER_BYTES)
        finally:
            connection.close()
    except ConnectionRefusedError:
        raise SendFailed(f"nothing listens at {where}: start `tidegate run` first, in another terminal") from None
    except TimeoutError:
        raise SendFailed(f"{where} did not answer within {_TIMEOUT:.0f} s") from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise SendFailed(f"{where} could not be asked: {safe(str(problem)) or type(problem).__name__}") from problem
    if status != http.client.ACCEPTED:
        raise SendFailed(_refusal(where, status, answer))


def _shown(address: SplitResult) -> str:
    """Without a password, should there be one."""
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def _refusal(where: str, status: int, answer: bytes) -> str:
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return (
            f"{where} wants a credential ({status}): set ELASTIC_APM_SECRET_TOKEN to the server's secret token, or"
            " ELASTIC_APM_API_KEY to an API key that may write events"
        )
    if status == http.client.NOT_FOUND:
        return f"{where} knows no /intake/v2/events (404): is it Tidegate or an APM Server?"
    if status == http.client.SERVICE_UNAVAILABLE:
        return f"{where} cannot take events now (503): {_words(answer)}"
    return f"{where} refused the request ({status}): {_words(answer)}"


def _words(answer: bytes) -> str:
    """The answer's messages in one safe line."""
    try:
        parsed = json.loads(answer)
    except ValueError:
        return safe(answer.decode("utf-8", "replace"))[:400] or "no reason given"
    messages = [parsed.get("error")] if isinstance(parsed, dict) else []
    if isinstance(parsed, dict) and isinstance(parsed.get("errors"), list):
        messages += [error.get("message") for error in parsed["errors"] if isinstance(error, dict)]
    return "; ".join(safe(str(message)) for message in messages if message)[:400] or "no reason given"


def _where_to_look(arguments: argparse.Namespace, trace_id: str) -> str:
    """A line for the person, once the trace is in the local store, if that is where this machine's events go."""
    try:
        file = find_store(arguments)
        arrived = arrives(lambda: LocalReader(file), trace_id, time.sleep)
    except (StoreUnreadable, SettingsError):
        return f"look for it in Kibana (trace.id: {trace_id}), or, with the local store: tidegate trace {trace_id}"
    if arrived:
        return f"see it: tidegate trace {trace_id}{_same_store(arguments)}"
    return (
        f"it is not yet in {file}: if the server writes elsewhere, look there, or name its data folder (--data);"
        f" else: tidegate trace {trace_id}"
    )


def _same_store(arguments: argparse.Namespace) -> str:
    """The arguments that lead another command to the same store."""
    words = ["--data", str(arguments.data)] if arguments.data else []
    words += ["-c", str(arguments.config)] if arguments.config else []
    for key, value in arguments.overrides:
        words += ["-E", f"{key}={value}"]
    return "".join(f" {shlex.quote(word)}" for word in words)


def arrives(opened: Callable[[], LocalReader], trace_id: str, pause: Callable[[float], None]) -> bool:
    """Whether the trace comes into the store soon; asks again and again. Raises StoreUnreadable."""
    reader = opened()
    try:
        for _ in range(round(_ARRIVAL_SECONDS / _ARRIVAL_STEP)):
            if reader.find_trace(trace_id):
                return True
            pause(_ARRIVAL_STEP)
        return False
    finally:
        reader.close()
