"""Made-up events of a shop, in the sizes and shares that were seen at real sites: 20 % transactions, 33 % database spans,
32 % calls with a stack trace, 5 % errors, 10 % metrics; 1.5 KB on average."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tidegate.loadtest.traces import Event, Lines, Maker, Traces, joined

_SERVICES = ("cart", "checkout", "search", "payments", "stock", "mail")
_FILES = (
    "shop/cart/views.py",
    "shop/orders/models.py",
    "django/core/handlers/base.py",
    "django/db/models/query.py",
    "celery/app/task.py",
)
_FUNCTIONS = ("dispatch", "get_response", "load_cart", "apply_discounts", "execute", "__call__", "process_request")
_CODE = (
    "    return handler(request, *args, **kwargs)",
    "    cart = Cart.objects.get(pk=cart_id)",
    "    with transaction.atomic():",
)
_TABLES = ("orders", "order_lines", "carts", "users", "stock_items")
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
_ROUTES = ("/api/cart/{id}", "/api/products/search", "/api/orders", "/api/users/{id}/addresses", "/health")


class Shop(Traces):
    """Events of backend agents."""

    def metadata(self) -> Event:
        """What begins a request of a backend agent: 1.2 KB."""
        name = self._random.choice(_SERVICES)
        host = f"{name}-{self._hex(5)}"
        return {
            "metadata": {
                "service": {
                    "name": name,
                    "version": f"2.{self._random.randrange(9)}.{self._random.randrange(20)}",
                    "environment": "production",
                    "language": {"name": "python", "version": "3.12.4"},
                    "runtime": {"name": "CPython", "version": "3.12.4"},
                    "framework": {"name": "django", "version": "5.0.6"},
                    "agent": {"name": "python", "version": "6.23.0", "ephemeral_id": self._hex(32)},
                    "node": {"configured_name": host},
                },
                "process": {
                    "pid": self._random.randrange(2, 30_000),
                    "ppid": 1,
                    "argv": [
                        "/usr/local/bin/gunicorn",
                        "shop.wsgi:application",
                        "--workers",
                        "4",
                        "--bind",
                        "0.0.0.0:8000",
                    ],
                    "title": "gunicorn: worker [shop.wsgi:application]",
                },
                "system": {
                    "detected_hostname": f"{host}.example.com",
                    "architecture": "x86_64",
                    "platform": "linux",
                    "container": {"id": self._hex(64)},
                    "kubernetes": {"namespace": "shop", "pod": {"name": host, "uid": self._hex(32)}},
                },
                "cloud": {
                    "provider": "aws",
                    "region": "eu-west-1",
                    "availability_zone": "eu-west-1b",
                    "account": {"id": "123456789012"},
                    "instance": {"id": f"i-{self._hex(17)}"},
                    "machine": {"type": "m6i.2xlarge"},
                },
                "labels": {"git_commit": self._hex(40), "team": "checkout", "cost_center": 4711, "canary": False},
            }
        }

    def backend(self) -> Event:
        """One event of the mix."""
        return self._random.choices(
            (self.transaction, self.database_span, self.call_span, self.error, self.metrics), (20, 33, 32, 5, 10)
        )[0]()

    def transaction(self) -> Event:
        """A request that was served; later spans and errors belong to it."""
        self._next_trace()
        random = self._random
        status = random.choices((200, 201, 302, 404, 500), (80, 6, 4, 6, 4))[0]
        method = random.choice(("GET", "GET", "GET", "POST", "DELETE"))
        return {
            "transaction": {
                "id": self._transaction,
                "trace_id": self._trace,
                "name": f"{method} {random.choice(_ROUTES)}",
                "type": "request",
                "result": f"HTTP {status // 100}xx",
                "duration": round(random.expovariate(1 / 40), 3),
                "timestamp": self._tick(),
                "outcome": "failure" if status >= 500 else "success",
                "sampled": True,
                "sample_rate": 1.0,
                "span_count": {"started": random.randrange(20), "dropped": 0},
                "context": {
                    "request": self._request(method),
                    "response": {
                        "status_code": status,
                        "finished": True,
                        "headers_sent": True,
                        "headers": {
                            "content-type": "application/json; charset=utf-8",
                            "content-length": str(random.randrange(9999)),
                        },
                    },
                    "user": {"id": str(random.randrange(10**6)), "username": f"u{self._hex(8)}"},
                    "tags": {"tenant": f"t{random.randrange(20)}", "retry.count": random.randrange(3)},
                    "custom": {"cart": {"items": random.randrange(9), "total": round(random.random() * 200, 2)}},
                },
            }
        }

    def database_span(self) -> Event:
        """A query."""
        table = self._random.choice(_TABLES)
        return self._span(
            f"SELECT FROM {table}",
            "db.postgresql.query",
            {
                "db": {
                    "type": "sql",
                    "instance": "shop",
                    "statement": f"SELECT id, name, price, quantity FROM {table} WHERE {table}_id = %s AND deleted IS NULL "
                    f"ORDER BY id LIMIT {self._random.randrange(100)}",
                    "user": "app",
                    "rows_affected": self._random.randrange(100),
                },
                "destination": {
                    "address": f"db-{self._random.randrange(4)}.internal",
                    "port": 5432,
                    "service": {"resource": "postgresql/shop", "name": "", "type": ""},
                },
            },
        )

    def call_span(self) -> Event:
        """A call of another service, with ten frames of a stack trace."""
        name = f"{self._random.choice(_SERVICES)}.internal"
        made = self._span(
            f"GET {name}:8080",
            "external.http",
            {
                "http": {"url": f"http://{name}:8080/v1/{self._hex(8)}", "method": "GET", "status_code": 200},
                "destination": {
                    "address": name,
                    "port": 8080,
                    "service": {"resource": f"{name}:8080", "name": f"http://{name}", "type": "external"},
                },
                "tags": {"attempt": 0},
            },
        )
        made["span"]["stacktrace"] = [self._frame() for _ in range(10)]
        return made

    def error(self) -> Event:
        """An exception with variables and source lines in five frames."""
        frames = [
            self._frame()
            | {
                "pre_context": [self._random.choice(_CODE)],
                "post_context": [self._random.choice(_CODE)],
                "vars": {"self": f"<object at 0x7f{self._hex(10)}>", "n": self._random.randrange(100)},
            }
            for _ in range(5)
        ]
        return {
            "error": {
                "id": self._hex(32),
                "trace_id": self._trace,
                "transaction_id": self._transaction,
                "parent_id": self._transaction,
                "timestamp": self._tick(),
                "culprit": "shop.cart.views.dispatch",
                "exception": {
                    "type": self._random.choice(("ValidationError", "OperationalError", "KeyError")),
                    "message": f"could not connect to server {self._hex(6)}: connection refused",
                    "module": "psycopg2",
                    "handled": False,
                    "stacktrace": frames,
                },
                "context": {"request": self._request("GET"), "user": {"id": str(self._random.randrange(10**6))}},
            }
        }

    def metrics(self) -> Event:
        """A set of seventeen samples."""
        samples: Event = {
            f"pool.{pool}.{what}": {"value": round(self._random.random() * 1000, 2)}
            for pool in ("db", "cache", "http", "queue")
            for what in ("size", "wait", "used", "idle")
        }
        samples["latency"] = {"type": "histogram", "values": [1.5, 3, 7, 15], "counts": [29, 49, 43, 35]}
        return {"metricset": {"timestamp": self._tick(), "tags": {"pool": "main"}, "samples": samples}}

    def huge(self) -> Event:
        """A transaction of 250 KB: below `max_event_size`, which is 300 KiB by default."""
        made = self.transaction()
        made["transaction"]["context"]["custom"] = {f"key_{number}": self._hex(960) for number in range(250)}
        return made

    # ---------------------------------------------------------------------------------------------------- inside

    def _span(self, name: str, kind: str, context: Event) -> Event:
        return {
            "span": {
                "id": self._hex(16),
                "trace_id": self._trace,
                "transaction_id": self._transaction,
                "parent_id": self._transaction,
                "name": name,
                "type": kind,
                "duration": round(self._random.expovariate(1 / 5), 3),
                "timestamp": self._tick(),
                "sync": True,
                "outcome": "success",
                "sample_rate": 1.0,
                "context": context,
            }
        }

    def _frame(self) -> Event:
        file = self._random.choice(_FILES)
        return {
            "filename": file,
            "function": self._random.choice(_FUNCTIONS),
            "lineno": self._random.randrange(1, 900),
            "module": file.removesuffix(".py").replace("/", "."),
            "context_line": self._random.choice(_CODE),
            "library_frame": not file.startswith("shop"),
        }

    def _request(self, method: str) -> Event:
        path = f"/api/products/{self._hex(6)}"
        return {
            "method": method,
            "http_version": "1.1",
            "url": {
                "full": f"https://shop.example.com:443{path}?page=1",
                "protocol": "https:",
                "hostname": "shop.example.com",
                "port": "443",
                "pathname": path,
                "search": "?page=1",
            },
            "headers": {
                "host": "shop.example.com",
                "user-agent": _BROWSER,
                "accept": "application/json, text/plain, */*",
                "accept-encoding": "gzip, deflate, br",
                "x-forwarded-for": f"203.0.113.{self._random.randrange(1, 255)}",
                "x-request-id": self._hex(32),
            },
            "cookies": {"sessionid": self._hex(32)},
            "socket": {"remote_address": f"10.0.{self._random.randrange(255)}.{self._random.randrange(1, 255)}"},
        }


def backend(random: Random, now_us: int) -> Lines:
    """The mix."""
    shop = Shop(random, now_us)
    return lambda events: joined(shop.metadata(), [shop.backend() for _ in range(events)])


def only(make: Callable[[Shop], Event]) -> Maker:
    """Events of one kind."""

    def of_one_kind(random: Random, now_us: int) -> Lines:
        shop = Shop(random, now_us)
        return lambda events: joined(shop.metadata(), [make(shop) for _ in range(events)])

    return of_one_kind
