"""Made-up events of browsers: page loads with their spans, and one error in ten."""

from __future__ import annotations

from random import Random

from tidegate.loadtest.traces import Event, Lines, Traces, joined


class Pages(Traces):
    """Page loads, one after the other."""

    def metadata(self) -> Event:
        """What begins a request of the RUM agent."""
        return {
            "metadata": {
                "service": {"name": "shop-web", "version": "1.4.2", "agent": {"name": "rum-js", "version": "5.16.1"}}
            }
        }

    def page(self) -> list[Event]:
        """A page load with its spans, and one error in ten."""
        self._next_trace()
        spans = [
            {
                "span": {
                    "id": self._hex(16),
                    "trace_id": self._trace,
                    "transaction_id": self._transaction,
                    "parent_id": self._transaction,
                    "name": f"https://shop.example/static/{self._hex(8)}.js",
                    "type": "resource",
                    "subtype": "script",
                    "start": float(number * 10),
                    "duration": round(self._random.random() * 90, 1),
                    "context": {"http": {"url": f"https://shop.example/static/{number}.js"}},
                }
            }
            for number in range(self._random.randrange(4, 12))
        ]
        load: Event = {
            "transaction": {
                "id": self._transaction,
                "trace_id": self._trace,
                "name": "/cart",
                "type": "page-load",
                "duration": round(400 + self._random.random() * 900, 1),
                "sampled": True,
                "span_count": {"started": len(spans)},
                "marks": {"agent": {"timeToFirstByte": 20.5, "domInteractive": 340.0, "domComplete": 900.0}},
                "context": {"page": {"referer": "https://shop.example/", "url": "https://shop.example/cart"}},
            }
        }
        errors = [self._browser_error()] if self._random.random() < 0.1 else []
        return [load, *spans, *errors]

    def short_metadata(self) -> Event:
        """The same in the short names of version 3."""
        return {"m": {"se": {"n": "shop-web", "ve": "1.4.2", "a": {"n": "rum-js", "ve": "5.16.1"}}}}

    def short_page(self) -> Event:
        """A page load in version 3: its spans stand within it."""
        self._next_trace()
        spans = [
            {
                "id": self._hex(16),
                "n": f"https://shop.example/static/{number}.js",
                "t": "resource",
                "s": number * 10.0,
                "d": 12.5,
            }
            for number in range(self._random.randrange(4, 12))
        ]
        return {
            "x": {
                "id": self._transaction,
                "tid": self._trace,
                "n": "/cart",
                "t": "page-load",
                "d": round(400 + self._random.random() * 900, 1),
                "yc": {"sd": len(spans)},
                "k": {"a": {"dc": 900.0, "di": 340.0, "fb": 20.5}},
                "c": {"p": {"rf": "https://shop.example/", "url": "https://shop.example/cart"}},
                "y": spans,
            }
        }

    def _browser_error(self) -> Event:
        frames = [
            {
                "filename": "app.min.js",
                "abs_path": "https://shop.example/static/app.min.js",
                "function": self._random.choice(("a", "b", "t.render")),
                "lineno": 1,
                "colno": self._random.randrange(20_000),
            }
            for _ in range(8)
        ]
        return {
            "error": {
                "id": self._hex(32),
                "trace_id": self._trace,
                "transaction_id": self._transaction,
                "parent_id": self._transaction,
                "culprit": "app.min.js",
                "exception": {
                    "type": "TypeError",
                    "message": "cannot read properties of undefined",
                    "stacktrace": frames,
                },
            }
        }


def pages(random: Random, now_us: int) -> Lines:
    """Pages, as version 2 sends them, until there are so many events."""
    source = Pages(random, now_us)

    def lines(events: int) -> list[bytes]:
        made: list[Event] = []
        while len(made) < events:
            made += source.page()
        return joined(source.metadata(), made)

    return lines


def short_pages(random: Random, now_us: int) -> Lines:
    """Pages as version 3 sends them, each with its spans in one line."""
    source = Pages(random, now_us)

    def lines(events: int) -> list[bytes]:
        made: list[Event] = []
        while sum(1 + len(page["x"]["y"]) for page in made) < events:
            made.append(source.short_page())
        return joined(source.short_metadata(), made)

    return lines
