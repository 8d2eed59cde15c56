"""OpenTelemetry attributes as the bridge sorts them: intake-to-documents.md 4.9, and the tables of 10, 10.3 and 10.4."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tidegate.workers.mapping.labels import sanitised

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

LIMIT = 1024
"""Code points of a text, unless its row says that it is not cut."""

DATA_STREAM = {"data_stream.dataset": "dataset", "data_stream.namespace": "namespace"}

NETWORK = {
    "network.connection.type": ("connection", "type"),
    "network.connection.subtype": ("connection", "subtype"),
    "network.carrier.mcc": ("carrier", "mcc"),
    "network.carrier.mnc": ("carrier", "mnc"),
    "network.carrier.name": ("carrier", "name"),
    "network.carrier.icc": ("carrier", "icc"),
}

_ALWAYS_DOUBLE = ("aws.dynamodb.provisioned_read_capacity", "aws.dynamodb.provisioned_write_capacity")
_INT64 = 2**63


def attribute_value(key: str, value: Any) -> Any:
    """The value with OpenTelemetry's types: str, bool, int, float, or a list of those. None: dropped."""
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is int:
        if -_INT64 <= value < _INT64 and key not in _ALWAYS_DOUBLE:
            return value
        return _double(value)
    if kind is float:
        return _double(value)
    if kind is list:
        converted = [attribute_value(key, one) for one in value if type(one) is not list]
        return [one for one in converted if one is not None]
    return None


def _double(number: float) -> float | None:
    try:
        double = float(number)
    except OverflowError:
        return None
    return double if abs(double) != float("inf") else None


def attributes_of(sent: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The attributes that count, with texts at full length."""
    for key, value in sent.items():
        if (converted := attribute_value(key, value)) is not None:
            yield key, converted


class BridgedLabels:
    """Collects the labels of an event, then writes them over what the document and its stream have."""

    def __init__(self) -> None:
        self._texts: dict[str, Any] = {}
        self._numbers: dict[str, Any] = {}

    def add(self, key: str, value: Any) -> None:
        """One attribute as a label; a list keeps the elements of its first element's type."""
        if type(value) is not list:
            values, label = [value], _label(value)
        elif value:
            values = [one for one in value if type(one) is type(value[0])]
            label = [_label(one) for one in values]
        else:
            return
        labels = self._texts if type(values[0]) in (str, bool) else self._numbers
        labels[sanitised[key]] = label

    def write(self, document: dict[str, Any], stream: Stream) -> None:
        """Merges the labels into the document."""
        if self._texts:
            document["labels"] = {**document.get("labels", stream.labels), **self._texts}
        if self._numbers:
            document["numeric_labels"] = {**document.get("numeric_labels", stream.numeric_labels), **self._numbers}


def _label(value: Any) -> Any:
    if type(value) is str:
        return value[:LIMIT]
    if type(value) is bool:
        return "true" if value else "false"
    return float(value)


def add_network(document: dict[str, Any], path: tuple[str, str], value: str, stream: Stream) -> None:
    """Writes one field of `network` over that of the stream."""
    section, field = path
    network = dict(document.get("network", stream.constants.get("network", {})))
    network[section] = {**network.get(section, {}), field: value}
    document["network"] = network


def choose_data_stream(document: dict[str, Any], field: str, value: str) -> None:
    """Notes a dataset or namespace that the event chose; `enrich.data_stream` says whether it counts (section 6)."""
    document.setdefault("data_stream", {})[field] = value


def join_host_port(host: str, port: int) -> str:
    """`host:port`, IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
