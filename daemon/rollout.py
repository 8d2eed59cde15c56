"""Questions to all children at once, for a reload: each is asked, and the answers are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tidegate.daemon.child_process import Child
from tidegate.daemon.control.messages import AnyMessage


class Rollout:
    """One question at a time. A child that hangs is killed by its supervisor, so each question has an end."""

    def __init__(self) -> None:
        self._awaited: dict[Child, asyncio.Future[str]] = {}

    async def ask(self, questions: Mapping[Child, AnyMessage]) -> dict[Child, str]:
        """What each child answers: empty, or a problem. One that dies has none: its successor begins with what is in force."""
        loop = asyncio.get_running_loop()
        answers = {child: loop.create_future() for child in questions}
        self._awaited |= answers
        for child, message in questions.items():
            child.send(message)
        return {child: await answer for child, answer in answers.items()}

    def answered(self, child: Child, problem: str = "") -> None:
        """The child has answered, or is dead."""
        future = self._awaited.pop(child, None)
        if future is not None and not future.done():
            future.set_result(problem)
