"""When requests are due. Pure: times are seconds since the start of the run.

With a fixed rate each request has its time, whatever became of those before, and its latency counts from that time: a
server that stands still for a second is not spared the requests that would have come meanwhile (coordinated omission).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random


def arrivals(rate: float, duration: float, random: Random) -> Iterator[float]:
    """Times of requests that come by chance, `rate` a second on average (a Poisson process), until `duration`."""
    at = random.expovariate(rate)
    while at < duration:
        yield at
        at += random.expovariate(rate)
