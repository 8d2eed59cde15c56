"""From the events of a trace to a tree, whatever is missing or wrong in them. Pure.

Parents that never arrived, loops of parents, ids that occur twice and clocks that disagree are all possible: events come
from several programs, some of which may be wrong or mean harm. Nothing here recurses; every event ends up in the tree
exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tidegate.workers.sinks.local_reader import Entry
from tidegate.workers.sinks.local_schema import Kind


@dataclass(slots=True, eq=False)
class Node:
    """A transaction or span; `note` tells what is wrong with its place, empty if nothing is."""

    entry: Entry
    children: list[Node] = field(default_factory=list)
    errors: list[Entry] = field(default_factory=list)
    parent: Node | None = None
    note: str = ""
    skew_us: int = 0
    """Added to its own clock, so that it does not begin before its caller."""
    visible: bool = True

    @property
    def start_us(self) -> int:
        return self.entry.timestamp_us + self.skew_us

    @property
    def end_us(self) -> int:
        return self.start_us + self.duration_us

    @property
    def duration_us(self) -> int:
        return max(0, self.entry.duration_us or 0)

    @property
    def failed(self) -> bool:
        return self.entry.outcome == "failure" or bool(self.errors)


@dataclass(slots=True)
class Tree:
    """`roots` and all children are in the order of their starts; `errors` belong to no event that is known."""

    roots: list[Node]
    errors: list[Entry]
    nodes: list[Node]

    def walk(self) -> Iterator[tuple[Node, int]]:
        """Every node with its depth, parents first."""
        stack = [(root, 0) for root in reversed(self.roots)]
        while stack:
            node, depth = stack.pop()
            yield node, depth
            stack.extend((child, depth + 1) for child in reversed(node.children))


def build_tree(entries: Iterable[Entry]) -> Tree:
    """The tree of the transactions and spans, with the errors at their places."""
    found = list(entries)
    nodes = [Node(entry) for entry in found if entry.kind is not Kind.ERROR]
    by_id: dict[str, Node] = {}
    transactions: dict[str, Node] = {}
    for node in nodes:
        identity = node.entry.span_id
        if identity:
            by_id.setdefault(identity, node)
            if node.entry.kind is Kind.TRANSACTION:
                transactions.setdefault(identity, node)
    for node in nodes:
        _find_parent(node, by_id, transactions)
    roots = [node for node in nodes if node.parent is None]
    _break_loops(nodes, roots)
    tree = Tree(roots, [], nodes)
    _align_clocks(tree)
    for siblings in (tree.roots, *(node.children for node in nodes)):
        siblings.sort(key=_order)
    for entry in found:
        if entry.kind is Kind.ERROR:
            place = by_id.get(entry.parent_id or "") or transactions.get(entry.transaction_id or "")
            (tree.errors if place is None else place.errors).append(entry)
    return tree


def choose(tree: Tree, limit: int) -> int:
    """Marks at most `limit` nodes as visible, each with all above it: roots, then what failed, then the longest.

    Returns how many are hidden.
    """
    if limit <= 0 or len(tree.nodes) <= limit:
        return 0
    for node in tree.nodes:
        node.visible = False
    room = limit
    for node in sorted(tree.nodes, key=lambda node: (node.parent is not None, not node.failed, -node.duration_us)):
        path: list[Node] = []
        above: Node | None = node
        while above is not None and not above.visible and len(path) <= room:
            path.append(above)
            above = above.parent
        if len(path) <= room:
            for step in path:
                step.visible = True
            room -= len(path)
        if room == 0:
            break
    return len(tree.nodes) - limit + room


def hidden_below(tree: Tree) -> dict[int, int]:
    """For each visible node (by `id`) how many of its descendants are hidden; hidden roots are under 0."""
    hidden: dict[int, int] = {}
    nearest: dict[int, int] = {}
    for node, _ in tree.walk():
        above = nearest[id(node.parent)] if node.parent is not None else 0
        nearest[id(node)] = id(node) if node.visible else above
        if not node.visible:
            hidden[above] = hidden.get(above, 0) + 1
    return hidden


def _find_parent(node: Node, by_id: dict[str, Node], transactions: dict[str, Node]) -> None:
    entry = node.entry
    parent = by_id.get(entry.parent_id) if entry.parent_id else None
    if parent is None:
        if entry.parent_id:
            node.note = "parent not here"
        if entry.kind is Kind.SPAN:
            parent = transactions.get(entry.transaction_id or "")
    if parent is node:
        node.note = "is its own parent"
    elif parent is not None:
        node.parent = parent
        parent.children.append(node)


def _break_loops(nodes: Sequence[Node], roots: list[Node]) -> None:
    """Makes a root of the earliest node of each loop: all that no root leads to is in a loop or below one."""
    reached: set[int] = set()
    _reach(roots, reached)
    for node in nodes:  # in the order of their times
        if id(node) in reached:
            continue
        # Whoever is unreached has an ancestor in the loop, but is not in it itself when it is only below it.
        seen: set[int] = set()
        loop: Node = node
        while id(loop) not in seen and loop.parent is not None:
            seen.add(id(loop))
            loop = loop.parent
        earliest = min(_loop_from(loop), key=_order)
        assert earliest.parent is not None  # noqa: S101 - it is in a loop
        earliest.parent.children.remove(earliest)
        earliest.parent = None
        earliest.note = "its parents are a loop"
        roots.append(earliest)
        _reach([earliest], reached)


def _loop_from(node: Node) -> Iterator[Node]:
    yield node
    following = node.parent
    while following is not None and following is not node:
        yield following
        following = following.parent


def _reach(begin: Sequence[Node], reached: set[int]) -> None:
    stack = list(begin)
    while stack:
        node = stack.pop()
        reached.add(id(node))
        stack.extend(node.children)


def _align_clocks(tree: Tree) -> None:
    """As Kibana's waterfall: a transaction that seems to begin before its caller is moved to the middle of the call."""
    for node, _ in tree.walk():
        caller = node.parent
        if caller is None:
            continue
        if node.entry.kind is not Kind.TRANSACTION:
            node.skew_us = caller.skew_us
            continue
        early_us = caller.start_us - node.entry.timestamp_us
        if early_us > 0:
            node.skew_us = early_us + max(caller.duration_us - node.duration_us, 0) // 2


def _order(node: Node) -> tuple[int, str]:
    return node.start_us, node.entry.span_id or ""
