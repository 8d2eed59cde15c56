"""A small Flask app under the real Python agent; the agent is set up by ELASTIC_APM_ variables, the port is the argument."""

from __future__ import annotations

import sys

import elasticapm
from elasticapm.contrib.flask import ElasticAPM
from flask import Flask

app = Flask(__name__)
apm = ElasticAPM(app)


@app.get("/ok")
def ok() -> str:
    """Nothing but a transaction."""
    return "ok"


@app.get("/span/<int:number>")
def with_a_span(number: int) -> str:
    """A transaction with a span and labels."""
    elasticapm.label(number=number, place="here")
    with elasticapm.capture_span("reckon", span_type="app", labels={"part": "one"}):
        return str(sum(range(number)))


@app.get("/raise")
def failing() -> str:
    """A transaction that fails, with its error."""
    raise ValueError("raised on purpose")


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), debug=False)
