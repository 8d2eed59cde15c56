"""What Elasticsearch's answer to a bulk request means for each document: DESIGN, "Outcomes of a bulk request". Pure."""

from __future__ import annotations

import msgspec
from tidegate.daemon.outcomes import EventOutcome
from tidegate.workers.sinks.contract import Postponed, Refused, TryAgain, Written

FILTER_PATH = "items.*._index,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason"
REASON_CHARACTERS = 500

CLUSTER_STATUSES = (401, 403, 404)
"""Of an item: no privilege, blocked, or a template or index is missing. Nothing a document can do about."""
CLUSTER_TYPES = frozenset(
    {
        "cluster_block_exception",
        "index_closed_exception",
        "index_not_found_exception",
        "security_exception",
        "unavailable_shards_exception",
    }
)
CLUSTER_REASONS = (
    ("validation_exception", "shards open"),  # cluster.max_shards_per_node
    ("illegal_argument_exception", "shards open"),
    ("illegal_argument_exception", "pipeline with id ["),  # "… does not exist": a template names it
)
"""Error types that documents can cause too; these words in the reason tell that it is the cluster."""


class ItemError(msgspec.Struct, gc=False):
    type: str = ""
    reason: str | None = ""


class Item(msgspec.Struct, gc=False):
    status: int = 0
    index: str = msgspec.field(name="_index", default="")
    failure_store: str = ""
    error: ItemError | None = None


class _Entry(msgspec.Struct, gc=False):
    create: Item


class _Answer(msgspec.Struct):
    items: list[_Entry] = msgspec.field(default_factory=list)


class _Glance(msgspec.Struct, gc=False):
    """What tells that an item is simply created; nearly all are."""

    status: int = 0
    failure_store: str = ""


class _GlanceEntry(msgspec.Struct, gc=False):
    create: _Glance


class _GlanceAnswer(msgspec.Struct):
    items: list[_GlanceEntry] = msgspec.field(default_factory=list)


class _Error(msgspec.Struct):
    error: ItemError | str = ""


_CREATED = _GlanceEntry(_Glance(201))

_glance = msgspec.json.Decoder(_GlanceAnswer).decode
_decode = msgspec.json.Decoder(_Answer).decode
_decode_error = msgspec.json.Decoder(_Error).decode


def read_answer(body: bytes, documents: int) -> Written:
    """The outcome of each document. Raises TryAgain when the answer is not one for so many documents."""
    try:
        glances = _glance(body).items
        if len(glances) != documents:
            raise TryAgain(f"Elasticsearch answered for {len(glances)} of {documents} documents", degraded=False)
        written = Written()
        if glances.count(_CREATED) == documents:
            written.counts[EventOutcome.INDEXED] = documents
            return written
        entries = _decode(body).items
    except msgspec.MsgspecError as problem:
        raise TryAgain("Elasticsearch's answer to a bulk request cannot be read", degraded=True) from problem
    indexed = 0
    for number, entry in enumerate(entries):
        item = entry.create
        if item.status == 201 and not item.failure_store:
            indexed += 1
        else:
            _judge(number, item, written)
    written.counts[EventOutcome.INDEXED] += indexed
    written.counts = +written.counts
    return written


_ADVICE = {
    "index_not_found_exception": ": no index template makes this data stream; run `tidegate setup`",
    "resource_not_found_exception": ": an ordinary index or alias has this name; a data stream must have it",
}


def _judge(number: int, item: Item, written: Written) -> None:
    """An item that is not simply created."""
    status, error = item.status, item.error or ItemError()
    reason = error.reason or ""
    if 200 <= status < 300:
        used = item.failure_store == "used"
        written.counts[EventOutcome.FAILURE_STORE if used else EventOutcome.INDEXED] += 1
    elif status == 409:
        written.counts[EventOutcome.DUPLICATE] += 1
    elif concerns_cluster(status, error.type, reason):
        cause = f"Elasticsearch does not take documents for {item.index}: {error.type or 'error'} ({status})"
        cause += _ADVICE.get(error.type, "")
        written.postponed.append(Postponed(number, cause, degraded=True))
    elif status == 429 or not 400 <= status < 500:
        cause = f"Elasticsearch is busy: {error.type or 'error'} ({status})"
        written.postponed.append(Postponed(number, cause, degraded=False))
    else:
        written.refused.append(Refused(number, status, error.type, reason[:REASON_CHARACTERS]))


def concerns_cluster(status: int, kind: str, reason: str) -> bool:
    """Whether an item's error would meet any document sent there: it is tried again until someone mends the cluster."""
    if status in CLUSTER_STATUSES or kind in CLUSTER_TYPES:
        return True
    return any(kind == known and words in reason for known, words in CLUSTER_REASONS)


def error_type(body: bytes) -> str:
    """The type that an error answer names, else ""; never the reason, which may quote what was sent."""
    try:
        error = _decode_error(body).error
    except msgspec.MsgspecError:
        return ""
    return error.type if isinstance(error, ItemError) else ""


def request_trouble(status: int, body: bytes, asked: str = "bulk requests") -> TryAgain:
    """What a request answered by neither 2xx nor 413 means: it is sent again in any case. `asked`: what is refused."""
    kind = error_type(body)
    named = f"{status} {kind}".strip()
    if status == 429 or status >= 500:
        return TryAgain(f"Elasticsearch answers {named}", degraded=False)
    if kind in CLUSTER_TYPES - {"security_exception"}:
        hint = "the cluster or an index of it is closed to writing"
    elif status in (401, 403):
        hint = "check output.elasticsearch.api_key or username and password, and their privileges"
    elif 300 <= status < 400 or status in (404, 405):
        hint = "check output.elasticsearch.hosts: is this the address of Elasticsearch?"
    else:
        hint = "Elasticsearch's log may say more"
    return TryAgain(f"Elasticsearch refuses {asked}: {named} ({hint})", degraded=True)
