"""Logging set up in a process of its own: what Python, its threads and its event loop say ends up in the log as well."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from tidegate.daemon.telemetry.formats import printable

SET_UP = """
    import asyncio, logging, sys, threading, warnings
    from tidegate.daemon.settings.parts import LoggingPart
    from tidegate.daemon.telemetry.logs import set_up_logging
    set_up_logging(LoggingPart({level!r}, {form!r}, "all"), "worker-1")
    log = logging.getLogger("tidegate.test")
    def fail(data): raise KeyError(data)
"""


def said(program: str, *, level: str = "info", form: str = "json") -> list[str]:
    source = textwrap.dedent(SET_UP).format(level=level, form=form) + program
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, timeout=30, check=False)
    return done.stderr.decode().splitlines()


def documents(program: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(program)]


@pytest.mark.parametrize(
    ("program", "level", "message"),
    [
        ("fail('marked')", "critical", "this process ends for a defect of Tidegate"),
        ("t = threading.Thread(target=fail, args=('marked',), name='t-1'); t.start(); t.join()", "critical",
         "thread t-1 ended for a defect of Tidegate"),
        ("async def go():\n asyncio.get_running_loop().call_soon(fail, 'marked'); await asyncio.sleep(0)\nasyncio.run(go())",
         "error", "Exception in callback fail"),
        ("async def go():\n t = asyncio.create_task(asyncio.to_thread(fail, 'marked')); await asyncio.wait([t])\nasyncio.run(go())",
         "error", "Task exception was never retrieved"),
    ],
)  # fmt: skip
def test_defects_are_logged_without_contents(program: str, level: str, message: str) -> None:
    [document] = documents(program)
    assert document["log.level"] == level
    assert document["message"] == message
    assert document["error.stack_trace"].endswith("KeyError")
    assert "marked" not in str(document).replace("fail('marked')", "")
    assert "marked" in "".join(said(program, level="debug")), "debug tells all"


def test_warnings_of_libraries_are_records() -> None:
    [document] = documents("warnings.warn('old')")
    assert (document["log.level"], document["log.logger"]) == ("warning", "py.warnings")
    assert "UserWarning: old" in document["message"]


@pytest.mark.parametrize("form", ["json", "human"])
def test_a_mistake_in_a_log_call_costs_one_line_without_its_arguments(form: str) -> None:
    [line] = said("log.warning('%d of \\x1b %s', 'marked')", form=form)
    assert "'%d of \\x1b %s'" in line
    assert "marked" not in line
    assert printable(line) == line


@pytest.mark.parametrize(("level", "count"), [("error", 1), ("warning", 2), ("info", 3), ("debug", 4)])
def test_levels(level: str, count: int) -> None:
    program = "for say in (log.debug, log.info, log.warning, log.error): say('it')"
    assert len(said(program, level=level)) == count


def test_libraries_that_say_what_we_say_are_silent() -> None:
    program = (
        "for name in ('elastic_transport', 'urllib3', 'elasticsearch', 'asyncio'): logging.getLogger(name).warning('x')"
    )
    assert said(program, level="debug") == []


def test_without_standard_error_nothing_happens() -> None:
    program = textwrap.dedent(SET_UP).format(level="info", form="json")
    before = "import os, sys; os.close(2); sys.stderr = None; kept = open('/dev/null')\n"
    source = f"{before}{program}\nlog.error('x'); print(kept.fileno())"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"2\n", b"")
