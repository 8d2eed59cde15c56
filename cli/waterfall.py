"""Draws a trace: a tree of transactions and spans with their times, and a bar for each. Pure: returns lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidegate.cli.periods import duration, moment
from tidegate.cli.terminal import Glyphs, Terminal, columns, cut, fit, safe
from tidegate.cli.trace_tree import Node, Tree, build_tree, choose, hidden_below
from tidegate.workers.sinks.local_reader import Entry, Trace
from tidegate.workers.sinks.local_schema import Kind

_TIME_COLUMNS = 8
"""Of an offset or a duration, see `periods.duration`."""
_GUESSED = "?"
"""Marks a node whose place in the tree is not what it says; the line below the picture tells why."""
_ERRORS_EACH = 5
"""Errors shown below one event; a retry loop can make thousands."""
_SKEWS = 5
"""Services named whose clocks differ."""


def draw(trace: Trace, terminal: Terminal, limit: int) -> list[str]:
    """The whole picture for one trace, `limit` events of the tree at most (0: all)."""
    tree = build_tree(trace.entries)
    hidden = choose(tree, limit)
    return [
        *_heading(trace, tree, terminal),
        *_skews(tree, terminal),
        "",
        *_Picture(tree, terminal).lines(),
        *_below_the_picture(trace, tree, hidden, terminal),
    ]


def _heading(trace: Trace, tree: Tree, terminal: Terminal) -> Iterator[str]:
    yield terminal.paint(f"trace {safe(trace.trace_id)}", "bold")
    kinds = [entry.kind for entry in trace.entries]
    errors = kinds.count(Kind.ERROR)
    parts = [
        duration(_end(tree) - _begin(tree), terminal.glyphs) or "0",
        counted(len({entry.service for entry in trace.entries if entry.service}), "service"),
        counted(kinds.count(Kind.TRANSACTION), "transaction"),
        counted(kinds.count(Kind.SPAN), "span"),
        terminal.paint(counted(errors, "error"), *(["red"] if errors else [])),
    ]
    if trace.logs:
        parts.append(counted(trace.logs, "log record"))
    begin = min((entry.timestamp_us for entry in trace.entries), default=0) if not tree.nodes else _begin(tree)
    yield moment(begin)
    yield f" {terminal.glyphs.dot} ".join(parts)


def _skews(tree: Tree, terminal: Terminal) -> Iterator[str]:
    """Which services were moved, so that nobody takes the picture for what the clocks said."""
    moved: dict[str, int] = {}
    for node in tree.nodes:
        if node.skew_us and node.entry.kind is Kind.TRANSACTION:
            service = node.entry.service or "?"
            moved[service] = max(moved.get(service, 0), node.skew_us)
    for service, skew_us in list(moved.items())[:_SKEWS]:
        text = f"clocks differ: {safe(service)} is shown {duration(skew_us, terminal.glyphs)} later than it says"
        yield terminal.paint(cut(text, terminal.width, terminal.glyphs), "yellow")


def _below_the_picture(trace: Trace, tree: Tree, hidden: int, terminal: Terminal) -> Iterator[str]:
    notes = dict.fromkeys(node.note for node in tree.nodes if node.note and node.visible)
    if notes:
        text = f"{_GUESSED} its place is a guess: {', '.join(notes)}"
        yield terminal.paint(cut(text, terminal.width, terminal.glyphs), "yellow")
    if hidden:
        yield terminal.paint(f"{counted(hidden, 'more event')} not shown: --limit 0 shows all", "yellow")
    if trace.left_out:
        yield terminal.paint(f"{counted(trace.left_out, 'event')} of this trace not read: too many", "yellow")


def counted(number: int, noun: str) -> str:
    """`1 span`, `2 spans`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _begin(tree: Tree) -> int:
    return min((node.start_us for node in tree.nodes), default=0)


def _end(tree: Tree) -> int:
    return max((node.end_us for node in tree.nodes), default=0)


class _Step(NamedTuple):
    """One thing to draw: a node, or (without one) a line for `hidden` events below the same parent."""

    node: Node | None
    hidden: int
    depth: int
    follows: tuple[bool, ...]
    """For each level above and its own, down to the deepest that is drawn: whether siblings follow."""


class _Picture:
    """Widths and scale of one drawing."""

    def __init__(self, tree: Tree, terminal: Terminal) -> None:
        self._tree, self._terminal, self._glyphs = tree, terminal, terminal.glyphs
        self._hidden = hidden_below(tree)
        self._begin = _begin(tree)
        self._whole_us = max(1, _end(tree) - self._begin)
        times = 2 * (_TIME_COLUMNS + 1)
        self._bar = max(8, (terminal.width - times) * 2 // 5 - 3)
        self._label = terminal.width - times - self._bar - 3
        self._deepest = max(1, self._label // 4)
        """Levels drawn as lines, two columns each; a deeper one is told as a number, so that names stay readable."""

    def lines(self) -> Iterator[str]:
        if self._tree.nodes:
            yield self._scale()
        stack = self._below(None, self._tree.roots, 0, ())
        while stack:
            step = stack.pop()
            if step.node is None:
                yield self._paint_hidden(step)
                continue
            yield self._row(step.node, step)
            below = self._below(step.node, step.node.children, step.depth + 1, step.follows)
            yield from self._errors(step.node.errors, self._indent(step, inner=bool(below)))
            stack.extend(below)
        if self._tree.errors:
            yield self._terminal.paint("errors of events that are not here:", "dim")
            yield from self._errors(self._tree.errors, "")

    def _below(self, parent: Node | None, children: list[Node], depth: int, follows: tuple[bool, ...]) -> list[_Step]:
        """What stands under `parent`, the last first."""
        steps = [(child, 0) for child in children if child.visible]
        hidden = self._hidden.get(0 if parent is None else id(parent), 0)
        listed: list[tuple[Node | None, int]] = [*steps, (None, hidden)] if hidden else [*steps]
        above = follows[: self._deepest]
        return [
            _Step(node, number, depth, (*above, place > 0) if depth else ())
            for place, (node, number) in enumerate(reversed(listed))
        ]

    def _scale(self) -> str:
        end = duration(self._whole_us, self._glyphs)
        ruler = "0" + end.rjust(self._bar - 1)
        heads = (
            fit("", self._label, self._glyphs) + f" {'start':>{_TIME_COLUMNS}} {'duration':>{_TIME_COLUMNS}}  {ruler}"
        )
        return self._terminal.paint(heads, "dim")

    def _row(self, node: Node, step: _Step) -> str:
        entry = node.entry
        indent = self._indent(step)
        label = fit(_label(node, self._glyphs), self._label - columns(indent), self._glyphs)
        styles = ["red"] if node.failed else ["bold"] if entry.kind is Kind.TRANSACTION else []
        start = fit(duration(node.start_us - self._begin, self._glyphs), _TIME_COLUMNS, self._glyphs, right=True)
        took = fit(duration(entry.duration_us, self._glyphs), _TIME_COLUMNS, self._glyphs, right=True)
        paint, frame = self._terminal.paint, self._terminal.paint(self._glyphs.frame, "dim")
        return f"{paint(indent, 'dim')}{paint(label, *styles)} {paint(start, 'dim')} {took} {frame}{self._drawn(node)}{frame}"

    def _drawn(self, node: Node) -> str:
        begin = min(self._bar - 1, (node.start_us - self._begin) * self._bar // self._whole_us)
        length = max(1, round(node.duration_us * self._bar / self._whole_us))
        length = min(length, self._bar - begin)
        mark = self._glyphs.bar if node.entry.kind is Kind.TRANSACTION else self._glyphs.span_bar
        style = "red" if node.failed else "cyan" if node.entry.kind is Kind.TRANSACTION else "green"
        return " " * begin + self._terminal.paint(mark * length, style) + " " * (self._bar - begin - length)

    def _errors(self, errors: list[Entry], indent: str) -> Iterator[str]:
        for error in errors[:_ERRORS_EACH]:
            head = f"{safe(error.type)}: " if error.type and not (error.message or "").startswith(error.type) else ""
            at = f" (at {safe(error.culprit)})" if error.culprit else ""
            text = f"{self._glyphs.failed} {head}{safe(error.message)}{at}"
            yield self._terminal.paint(indent, "dim") + self._terminal.paint(
                cut(text, self._terminal.width - columns(indent), self._glyphs), "red"
            )
        if len(errors) > _ERRORS_EACH:
            text = counted(len(errors) - _ERRORS_EACH, "more error")
            yield self._terminal.paint(f"{indent}{self._glyphs.ellipsis} {text}", "dim")

    def _paint_hidden(self, step: _Step) -> str:
        text = f"{self._indent(step)}{self._glyphs.ellipsis} {counted(step.hidden, 'event')} not shown"
        return self._terminal.paint(text, "dim")

    def _indent(self, step: _Step, *, inner: bool | None = None) -> str:
        """Lines down to a row; with `inner` down to what stands below it, which has children or not."""
        if step.depth > self._deepest:
            return " " * (2 * self._deepest - 1) + f"{self._glyphs.ellipsis}{step.depth} "
        line, gap = self._glyphs.line, "  "
        lines = [line if more else gap for more in step.follows]
        if inner is not None:
            return "".join(lines) + (line if inner else gap)
        if lines:
            lines[-1] = self._glyphs.branch if step.follows[-1] else self._glyphs.last
        return "".join(lines)


def _label(node: Node, glyphs: Glyphs) -> str:
    entry = node.entry
    caller = node.parent.entry.service if node.parent is not None else None
    parts = [glyphs.failed] if node.failed else []
    if node.note:
        parts.append(_GUESSED)
    if entry.service and (node.parent is None or entry.service != caller):
        parts.append(f"{safe(entry.service)}:")
    parts.append(safe(entry.name) or "(no name)")
    if entry.composite:
        parts.append(f"{glyphs.times}{entry.composite}")
    if entry.result:
        parts.append(f"{glyphs.dot} {safe(entry.result)}")
    elif entry.subtype or entry.type:
        parts.append(f"{glyphs.dot} {safe(entry.subtype or entry.type)}")
    return " ".join(parts)
