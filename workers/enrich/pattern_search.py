"""Whether a pattern is found in a text, in time that grows with the text alone, whatever text and pattern are.

The pattern becomes a machine with many states at once (Thompson, 1968); sets of them that have come up are kept, with
where each letter leads from there, so that most letters cost one look-up.
"""

from __future__ import annotations

from bisect import bisect_right

from tidegate.daemon.settings.letters import WORD, Ranges
from tidegate.daemon.settings.pattern_syntax import Edge, Either, Letters, Node, Repeat, Sequence, read_pattern

LONGEST_TEXT = 4096
"""Letters of a text that are looked at. Names of files have a hundred; a longer text is somebody's data."""
BUDGET = 100_000
"""States in all sets that are kept, and three for each move: about 4 MiB. When there are more, all are worked out anew."""

_START, _LINE, _WORD, _OTHER = range(4)
"""What stands before a place: nothing, a newline, a letter of a word, something else."""
_FOUND = -1
_END = -1


class _Set:
    """A set of states, and where each kind of letter leads from it."""

    __slots__ = ("before", "moves", "states")

    def __init__(self, states: frozenset[int], before: int) -> None:
        self.states = states
        self.before = before
        self.moves: dict[int, _Set | None] = {}
        """By kind of letter; None: the pattern is found."""


class PatternSearch:
    """A pattern, ready to be looked for. Raises PatternError."""

    def __init__(self, pattern: str) -> None:
        self._letters: dict[int, tuple[Ranges, int]] = {}
        """State → the letters that it takes, and the state after them."""
        self._edges: dict[int, tuple[str, int]] = {}
        self._forks: dict[int, tuple[int, ...]] = {}
        self._states = 0
        self._first = self._build(read_pattern(pattern), _FOUND)
        bounds = {0, 10, 11}
        for ranges in (WORD, *(ranges for ranges, _ in self._letters.values())):
            for first, last in ranges:
                bounds |= {first, last + 1}
        self._bounds = sorted(bounds)
        """Where one kind of letter ends and the next begins: letters between two bounds are alike to the pattern."""
        self._takes = {
            state: (frozenset(self._kinds(ranges)), after) for state, (ranges, after) in self._letters.items()
        }
        self._before = [self._what(bound) for bound in self._bounds]
        self._ascii = [self._kind(code) for code in range(128)]
        self._sets: dict[tuple[frozenset[int], int], _Set] = {}
        self._kept = 0

    def found_in(self, text: str) -> bool:
        """Whether the pattern fits some part of the text (of its first `LONGEST_TEXT` letters)."""
        now = self._set(frozenset((self._first,)), _START)
        ascii_kinds = self._ascii
        for letter in text[:LONGEST_TEXT]:
            code = ord(letter)
            kind = ascii_kinds[code] if code < 128 else self._kind(code)
            try:
                after = now.moves[kind]
            except KeyError:
                after = self._move(now, kind)
            if after is None:
                return True
            now = after
        return len(text) <= LONGEST_TEXT and self._reached(now, _END) is None

    # ------------------------------------------------------------------------------------------------- building

    def _state(self) -> int:
        self._states += 1
        return self._states

    def _build(self, node: Node, after: int) -> int:
        """The state from which the node leads to `after`."""
        match node:
            case Letters(ranges):
                state = self._state()
                self._letters[state] = ranges, after
                return state
            case Edge(kind):
                state = self._state()
                self._edges[state] = kind, after
                return state
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case Either(options):
                state = self._state()
                self._forks[state] = tuple(self._build(option, after) for option in options)
                return state
            case Repeat(part, least, most):
                return self._build_repeat(part, least, most, after)

    def _build_repeat(self, part: Node, least: int, most: int | None, after: int) -> int:
        if most is None:
            again = self._state()
            self._forks[again] = (self._build(part, again), after)
            entry = again
        else:
            entry = after
            for _ in range(most - least):
                state = self._state()
                self._forks[state] = (self._build(part, entry), after)
                entry = state
        for _ in range(least):
            entry = self._build(part, entry)
        return entry

    # ------------------------------------------------------------------------------------------------- searching

    def _kind(self, code: int) -> int:
        return bisect_right(self._bounds, code) - 1

    def _kinds(self, ranges: Ranges) -> list[int]:
        return [kind for first, last in ranges for kind in range(self._kind(first), self._kind(last) + 1)]

    def _what(self, code: int) -> int:
        if code == 10:
            return _LINE
        return _WORD if any(first <= code <= last for first, last in WORD) else _OTHER

    def _set(self, states: frozenset[int], before: int) -> _Set:
        found = self._sets.get((states, before))
        if found is None:
            found = self._sets[states, before] = _Set(states, before)
        return found

    def _move(self, now: _Set, kind: int) -> _Set | None:
        reached = self._reached(now, kind)
        after = None
        if reached is not None:
            states = {self._first}
            for state in reached:
                kinds, following = self._takes[state]
                if kind in kinds:
                    states.add(following)
            after = self._set(frozenset(states), self._before[kind])
        self._kept += 3 + (0 if after is None else len(after.states))
        if self._kept > BUDGET:
            for one in self._sets.values():
                one.moves = {}
            self._sets = {}
            self._kept = 0
        now.moves[kind] = after
        return after

    def _reached(self, now: _Set, kind: int) -> list[int] | None:
        """The states that take a letter and are reached without one, just before a letter of the kind (or the end);
        None: the pattern is found."""
        waiting = list(now.states)
        seen = set(waiting)
        reached = []
        while waiting:
            state = waiting.pop()
            if state == _FOUND:
                return None
            following: tuple[int, ...] = ()
            if state in self._takes:
                reached.append(state)
            elif state in self._forks:
                following = self._forks[state]
            else:
                edge, after = self._edges[state]
                following = (after,) if self._holds(edge, now.before, kind) else ()
            for other in following:
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return reached

    def _holds(self, edge: str, before: int, kind: int) -> bool:
        following = _START if kind == _END else self._before[kind]
        match edge:
            case "text_start":
                return before == _START
            case "text_end":
                return kind == _END
            case "line_start":
                return before in (_START, _LINE)
            case "line_end":
                return kind == _END or following == _LINE
        at_word = (before == _WORD) != (following == _WORD)
        return at_word if edge == "word" else not at_word
