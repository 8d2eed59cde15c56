"""The outcome of a run, as a table that can be published, and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import Any

from tidegate.cli.prove.findings import Findings
from tidegate.cli.terminal import safe
from tidegate.daemon import __version__

_LABEL = 64
_MIB = 1 << 20


@dataclass
class Report:
    """All that a run found."""

    seed: str
    filesystem: str
    store: str
    steps: dict[str, int]
    restarts: int
    seconds: float
    findings: Findings
    answers: dict[str, int]
    """Events that were not acknowledged, by what their sender heard."""
    conflicts: int
    """Second tries that the store had already (409)."""
    lost_answers: int
    fresh: float
    """Seconds until a fresh event was stored after all; negative: never."""
    again: dict[str, float]
    """Seconds until an event was acknowledged again, at most, by what was killed."""
    frozen: float
    slowest: float
    memory: list[int]
    troubles: list[str] = field(default_factory=list)

    def wrong(self) -> list[str]:
        """Why nothing is proved; empty when it is."""
        words = [*self.troubles, *self.findings.wrong()]
        if self.fresh < 0 and not self.troubles:
            words.append("a fresh event did not arrive after all faults were over")
        return words

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        findings = self.findings
        return {
            "proved": not self.wrong(),
            "wrong": self.wrong(),
            "version": __version__,
            "machine": machine(self.filesystem),
            "seed": self.seed,
            "store": self.store,
            "steps": self.steps,
            "clean_restarts": self.restarts,
            "seconds": round(self.seconds, 1),
            "events": {
                "sent": findings.sent,
                "acknowledged": findings.acknowledged,
                "stored": findings.stored,
                "dead_letters": dict(findings.letters),
                "lost": len(findings.lost),
                "twice": len(findings.twice),
                "changed": len(findings.changed),
                "never_sent": len(findings.never_sent),
                "refused": findings.refused,
                "cut": findings.cut,
                "stored_of_refused_requests": findings.told_otherwise,
                "stored_unanswered": findings.unanswered,
            },
            "not_acknowledged": self.answers,
            "conflicts_409": self.conflicts,
            "lost_answers": self.lost_answers,
            "fresh_event_seconds": round(self.fresh, 2),
            "seconds_until_acknowledged_again": {key: round(value, 2) for key, value in self.again.items()},
            "seconds_until_frozen_worker_replaced": round(self.frozen, 1),
            "slowest_202_seconds": round(self.slowest, 2),
            "memory_bytes": {"begin": self.memory[0], "most": self.memory[1]},
        }

    def lines(self) -> list[str]:
        """The table."""
        findings = self.findings
        steps = ", ".join(f"{count} {name}" for name, count in self.steps.items())
        lines = [
            f"tidegate {__version__} on {machine(self.filesystem)}",
            f"killed or hurt: {steps or 'nothing'}; clean restarts: {self.restarts}",
            f"store: {self.store}; {self.seconds:.0f} s; seed {self.seed}",
            "",
            _row("events sent", findings.sent),
            _row("  acknowledged (202)", findings.acknowledged),
            _row("    stored, as they were sent", findings.stored),
        ]
        lines += [_row(f"    dead letter: {safe(reason)}", count) for reason, count in findings.letters.most_common()]
        lines += [
            _row("    LOST" if findings.lost else "    lost", len(findings.lost)),
            _row("  not acknowledged", findings.sent - findings.acknowledged),
            *(_row(f"    {safe(reason)}", count) for reason, count in self.answers.items()),
            _row("    of these, stored all the same", findings.told_otherwise + findings.unanswered),
            _row("arrived TWICE" if findings.twice else "arrived twice", len(findings.twice)),
            _row("stored otherwise than sent", len(findings.changed)),
            _row("stored and never sent", len(findings.never_sent)),
            "",
            _row("answers of the store that were lost", self.lost_answers),
            _row("documents tried again and found stored (409)", self.conflicts),
            "",
        ]
        lines += [
            _row(f"longest time to the next 202, {name} killed", f"{value:.1f} s") for name, value in self.again.items()
        ]
        if self.frozen:
            lines.append(_row("a frozen worker was replaced after", f"{self.frozen:.1f} s"))
        fresh = f"{self.fresh:.1f} s" if self.fresh >= 0 else "never"
        lines += [
            _row("longest wait for a 202", f"{self.slowest:.1f} s"),
            _row("a fresh event at the end was stored after", fresh),
            _row("memory of all processes: begin, most", f"{self.memory[0] // _MIB}, {self.memory[1] // _MIB} MiB"),
            "",
        ]
        wrong = self.wrong()
        return [
            *lines,
            *(["NOT PROVED"] if wrong else ["PROVED: each acknowledged event arrived exactly once"]),
            *wrong,
        ]


def machine(filesystem: str) -> str:
    """What it ran on, in words."""
    return (
        f"Linux {platform.release()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"data on {safe(filesystem)}"
    )


def _row(label: str, value: int | str) -> str:
    shown = f"{value:,}" if isinstance(value, int) else value
    return f"{label[:_LABEL]:<{_LABEL}} {shown:>12}"
