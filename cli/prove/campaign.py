"""A run: load on an instance, one step after another against it, then quiet until everything has arrived."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from tidegate.cli.prove.instance import Instance, Trouble
from tidegate.cli.prove.oracle import Fate, Oracle
from tidegate.cli.prove.plan import MOODS, Fault, Mood, Step, Target
from tidegate.cli.prove.store import Store

FREE_DEATHS = 3
DEATHS_WITHIN = 60.0
"""Seconds. A supervisor waits longer and longer for the successor of a child that died so often within that time; a clean
restart in between keeps a run short, and is tried under load by the way."""
LOAD_FIRST = 300
"""Events that are acknowledged before the first step."""
AGAIN_SECONDS = 60.0
"""Within so many seconds after a kill an event must be acknowledged again."""
STUCK_SECONDS = 60.0
"""The end of waiting for events that do not arrive: nothing has moved for so long."""
SETTLE_SECONDS = 900.0
"""The end of waiting in any case."""
_LONGEST_PAUSE = 1.2
"""Seconds before a kill, at random from 0 on: the successor of the one before is killed at its start, or at work."""
_POLL = 0.05
_MEMORY_PERIOD = 2.0
"""Seconds; looking through the process table costs some milliseconds."""


class Campaign:
    """`say` tells the person what happens; `pause` is the mean of seconds between steps (None: at once, but random)."""

    def __init__(
        self,
        instance: Instance,
        oracle: Oracle,
        store: Store,
        random: Random,
        *,
        outage: float,
        pause: float | None,
        say: Callable[[str], None],
    ) -> None:
        self.done: Counter[str] = Counter()
        """How often each kind of step was taken."""
        self.restarts = 0
        """Clean ones (SIGTERM), beside the steps."""
        self.again: dict[str, float] = {}
        """The longest time until an event was acknowledged again, by what was killed: seconds."""
        self.frozen = 0.0
        """Seconds until a frozen worker had a successor."""
        self.memory = [0, 0]
        """Bytes of the instance's memory: at the begin of the load, and the most."""
        self._instance, self._oracle, self._store = instance, oracle, store
        self._random, self._outage, self._pause, self._say = random, outage, pause, say
        self._fault_ends: float | None = None
        self._memory_due = 0.0
        self._deaths: dict[str, deque[float]] = {}

    def run(self, steps: Sequence[Step]) -> None:
        """From the first event to the last answer. Raises Trouble when the instance does not come back."""
        self._instance.start()
        self._oracle.start()
        self._await_acknowledged(LOAD_FIRST)
        self.memory[0] = self._instance.resident()
        for number, step in enumerate(steps, 1):
            self._say(f"{number} of {len(steps)}: {step}; {self._oracle.acknowledged:,} events acknowledged")
            self._take(step)
            self.done[step] += 1
        self._await_end_of_fault()
        self._await_acknowledged(LOAD_FIRST)
        self._oracle.finish()

    def settle(self) -> float:
        """Waits until what was acknowledged has arrived, or nothing moves any more; then a fresh event is sent. Returns
        the seconds until that was stored; negative when it never was."""
        self._say("the load has ended; waiting until all that was acknowledged has arrived")
        self._wait_arrived(lambda: set(self._oracle.numbers(Fate.ACKNOWLEDGED)))
        began = time.monotonic()
        fresh = self._oracle.send_one()
        self._wait_arrived(lambda: {fresh})
        return time.monotonic() - began if fresh in self._store.arrived() else -1.0

    # ---------------------------------------------------------------------------------------------------------- steps

    def _take(self, step: Step) -> None:
        if isinstance(step, Target):
            self._sleep(self._random.uniform(0, 2 * self._pause if self._pause is not None else _LONGEST_PAUSE))
            self._kill(step)
        elif step is Fault.FREEZE:
            self._freeze()
        elif step is Fault.DISK:
            self._instance.limit_files(0)
            self._sleep(self._outage)
            self._instance.limit_files(None)
        else:
            self._await_end_of_fault()
            self._store.mood = MOODS[step]
            self._fault_ends = time.monotonic() + self._outage

    def _kill(self, target: Target) -> None:
        instance = self._instance
        if target in (Target.WORKER, Target.ACCEPTOR):
            self._spare_the_delay(target)
        heard, began = self._oracle.acknowledged, time.monotonic()
        if target is Target.ALL:
            instance.kill_all()
            instance.start()
        elif target is Target.SUPERVISOR:
            instance.kill_supervisor()
            instance.start()
        else:
            instance.kill_child(self._random.choice(instance.children(target)))
        self._await_acknowledged(1, since=heard)
        self.again[target] = max(self.again.get(target, 0.0), time.monotonic() - began)

    def _spare_the_delay(self, role: str) -> None:
        now = time.monotonic()
        deaths = self._deaths.setdefault(role, deque())
        while deaths and deaths[0] < now - DEATHS_WITHIN:
            deaths.popleft()
        if len(deaths) >= FREE_DEATHS:
            self._instance.stop()
            self._instance.start()
            self.restarts += 1
            deaths.clear()
        deaths.append(time.monotonic())

    def _freeze(self) -> None:
        pid = self._random.choice(self._instance.children(Target.WORKER))
        began = time.monotonic()
        self._instance.freeze(pid)
        self._instance.wait_replaced(pid)
        self.frozen = max(self.frozen, time.monotonic() - began)

    def _await_end_of_fault(self) -> None:
        if self._fault_ends is not None:
            self._sleep(self._fault_ends - time.monotonic())
            self._end_fault()

    def _end_fault(self) -> None:
        if self._fault_ends is not None:
            self._fault_ends = None
            self._store.mood = Mood.WELL

    def _sleep(self, seconds: float) -> None:
        """Sleeps, ends the fault of the store when it is time, and looks at the memory now and then."""
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            if now >= self._memory_due:
                self._memory_due = now + _MEMORY_PERIOD
                self.memory[1] = max(self.memory[1], self._instance.resident())
            if self._fault_ends is not None and now >= self._fault_ends:
                self._end_fault()
            time.sleep(min(_POLL, deadline - now))

    # -------------------------------------------------------------------------------------------------------- waiting

    def _await_acknowledged(self, more: int, since: int | None = None) -> None:
        goal = (self._oracle.acknowledged if since is None else since) + more
        began = time.monotonic()
        while self._oracle.acknowledged < goal:
            if time.monotonic() - began > AGAIN_SECONDS:
                raise Trouble(
                    f"no event was acknowledged for {AGAIN_SECONDS:.0f} s: "
                    f"{self._oracle.answers.most_common(1)}; see {self._instance.log}"
                )
            self._sleep(_POLL)

    def _wait_arrived(self, expected: Callable[[], set[int]]) -> None:
        began = moved = time.monotonic()
        before = -1
        with suppress(KeyboardInterrupt):  # a person who has waited enough sees what was found so far
            while missing := len(expected() - self._store.arrived()):
                now = time.monotonic()
                if missing != before:
                    before, moved = missing, now
                if now - moved > STUCK_SECONDS or now - began > SETTLE_SECONDS:
                    return
                time.sleep(0.3)
