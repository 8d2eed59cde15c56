"""Field mappings in few words, and how flat names become nested properties. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Field = dict[str, Any]
Fields = dict[str, Field]
"""Dotted name → mapping."""

IGNORE_ABOVE = 1024
"""Characters of a keyword that is indexed, as in Elastic's templates; agents send no longer names."""

KEYWORD: Field = {"type": "keyword", "ignore_above": IGNORE_ABOVE}
LONG: Field = {"type": "long"}
DOUBLE: Field = {"type": "double"}
DATE: Field = {"type": "date"}
IP: Field = {"type": "ip"}
BOOLEAN: Field = {"type": "boolean"}
FLATTENED: Field = {"type": "flattened", "ignore_above": IGNORE_ABOVE}
"""One field for an object of free keys, whose keys and values can be searched. Without a limit a header of more than 32 KiB
would cost the document."""
UNINDEXED: Field = {"type": "object", "dynamic": False}
"""Kept in the document, and nowhere else: of any size, with any keys."""
UNINDEXED_TEXT: Field = {"type": "keyword", "index": False, "doc_values": False}
UNINDEXED_LONG: Field = {"type": "long", "index": False}


def constant(value: str | None = None) -> Field:
    """One value for all documents of an index; without a value the first document brings it."""
    return {"type": "constant_keyword"} if value is None else {"type": "constant_keyword", "value": value}


def scaled(factor: int) -> Field:
    """A fraction that is kept as a whole number of 1/factor."""
    return {"type": "scaled_float", "scaling_factor": factor}


def keywords(section: str, *names: str) -> Fields:
    """Keywords below a section; names may be dotted."""
    return {f"{section}.{name}": KEYWORD for name in names}


def possible(field: Field, types: frozenset[str]) -> Field:
    """The field as it is, or the nearest one that needs no field type beside `types` and the server's own."""
    kind = field["type"]
    if kind in types:
        return field
    if kind == "scaled_float":
        return {**{key: value for key, value in field.items() if key != "scaling_factor"}, "type": "double"}
    if kind == "constant_keyword":
        return KEYWORD
    if kind == "match_only_text":
        return {"type": "text"}
    if kind == "histogram":
        return UNINDEXED
    if kind == "aggregate_metric_double":
        return {"properties": dict.fromkeys(field["metrics"], DOUBLE)}
    return field


def nested(fields: Fields, types: frozenset[str]) -> dict[str, Any]:
    """The value of `properties`. A field below another one that is not `object` would be lost: ValueError."""
    tree: dict[str, Any] = {}
    for name in sorted(fields):
        *sections, leaf = name.split(".")
        properties = tree
        for section in sections:
            node = properties.setdefault(section, {"properties": {}})
            if "properties" not in node:
                raise ValueError(f"{name} lies below a field")
            properties = node["properties"]
        properties[leaf] = possible(fields[name], types)
    return tree


def flat(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A nested object as dotted name → value; for comparing what Elasticsearch nests in its own way."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{name}."))
        else:
            found[name] = value
    return found
