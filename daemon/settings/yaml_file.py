"""A settings file in YAML, as leaves with their lines: composed by PyYAML, never constructed, so that no tag can do anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import yaml
from tidegate.daemon.settings.command_line import integer
from tidegate.daemon.settings.leaves import Leaf, Value
from tidegate.daemon.settings.problems import Origin, Problem

_MOST_NODES = 50_000
"""Nodes of one file, aliases counted each time: twenty times a file that names every setting there is."""
_DEEPEST = 64
"""Nodes inside each other; our deepest key has five parts."""
_CORE = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0b[01]+|0x[0-9a-f]+|0[0-7]*|[1-9][0-9]{0,300})")


class _Malformed(Exception):
    def __init__(self, text: str, node: yaml.Node) -> None:
        super().__init__(text)
        self.line = node.start_mark.line + 1


def read_yaml(text: str, file: str) -> tuple[list[tuple[str, Leaf]], list[Problem]]:
    """The file's keys, dotted, in order; mistakes of its form are problems, and then there may be no keys."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        return [], [Problem("", f"this is no YAML: {words}", Origin(file, mark.line + 1 if mark else 0))]
    except yaml.YAMLError as error:
        return [], [Problem("", f"this is no YAML: {str(error).splitlines()[0]}", Origin(file))]
    except (ValueError, OverflowError):
        return [], [Problem("", "this is no YAML: an escape or a number in it is out of range", Origin(file))]
    except RecursionError:
        return [], [Problem("", "lists and maps are nested too deep", Origin(file))]
    if root is None:
        return [], []
    if isinstance(root, yaml.ScalarNode) and root.tag == f"{_CORE}null":
        return [], []
    if not isinstance(root, yaml.MappingNode):
        return [], [Problem("", "the file must hold keys and values, such as `apm-server.host: …`", Origin(file, 1))]
    reader = _Reader(file)
    try:
        return list(reader.flat("", root, 0)), reader.problems
    except _Malformed as error:
        return [], [*reader.problems, Problem("", str(error), Origin(file, error.line))]


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._nodes = 0
        self.problems: list[Problem] = []

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._file, node.start_mark.line + 1)

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _Malformed("too many values; aliases (*name) count each time", node)
        if depth > _DEEPEST:
            raise _Malformed("lists and maps are nested too deep, or an alias holds itself", node)

    def flat(self, prefix: str, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Leaf]]:
        """Keys and leaves of a map; lists are leaves. An empty map reads as a null."""
        self._count(node, depth)
        seen: dict[str, yaml.Node] = {}
        if prefix and not node.value:
            yield prefix, Leaf(None, "", self._origin(node))
        for name, inner in self._entries(node, depth):
            key = f"{prefix}.{name.value}" if prefix else name.value
            if key in seen:
                first = seen[key].start_mark.line + 1
                self.problems.append(Problem(key, f"given twice: first in line {first}", self._origin(name)))
                continue
            seen[key] = name
            if isinstance(inner, yaml.MappingNode):
                yield from self.flat(key, inner, depth + 1)
            else:
                yield key, replace(self._leaf(inner, depth + 1), origin=self._origin(name))

    def _entries(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """The map's own entries, then those merged into it by `<<` unless it has them itself."""
        merged: list[yaml.Node] = []
        own: set[str] = set()
        for name, inner in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise _Malformed("a key must be a word, not a list or map", name)
            if name.tag == f"{_CORE}merge":
                merged += inner.value if isinstance(inner, yaml.SequenceNode) else [inner]
                continue
            own.add(name.value)
            yield name, inner
        for source in merged:
            self._count(source, depth)
            if not isinstance(source, yaml.MappingNode):
                raise _Malformed("`<<` takes a map", source)
            for name, inner in self._entries(source, depth + 1):
                if name.value not in own:
                    own.add(name.value)
                    yield name, inner

    def _leaf(self, node: yaml.Node, depth: int) -> Leaf:
        self._count(node, depth)
        value: Value
        text = ""
        if isinstance(node, yaml.MappingNode):
            value = {name.value: self._leaf(inner, depth + 1) for name, inner in self._entries(node, depth)}
        elif isinstance(node, yaml.SequenceNode):
            # an empty list leaves the default, as in the original (http-surface.md 3.4)
            value = tuple(self._leaf(inner, depth + 1) for inner in node.value) or None
        else:
            text = node.value
            value = _scalar(node)
        return Leaf(value, text, self._origin(node))


def _scalar(node: yaml.Node) -> bool | int | float | str | None:
    """What YAML 1.1 makes of a word; sexagesimals (1:30), dates and endless digits stay texts."""
    text: str = node.value
    plain = text.replace("_", "").lower()
    match node.tag.removeprefix(_CORE):
        case "null":
            return None
        case "bool":
            return plain in ("true", "yes", "on")
        case "int" if _INTEGER.fullmatch(plain):
            return integer(plain)
        case "float" if ":" not in text:
            return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
        case "int" | "float" | "str" | "timestamp" | "value":
            return text
    raise _Malformed(f"the tag {node.tag.replace(_CORE, '!!')} has no meaning here", node)
