"""What tests of the daemon share: scenes that play on both kinds of event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

Scene = Callable[[], Awaitable[None]]


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Runs a scene on each kind of loop."""

    def runs(scene: Scene) -> None:
        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:

            async def whole() -> None:
                await scene()

            runner.run(whole())

    return runs
