"""The rules that the rooms keep (docs/architecture.md): read from the source text, nothing is imported."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOTS = ("cli", "daemon", "loadtest", "workers")
OTHER_CODE = ("tests",)
LONGEST_MODULE = 400
LONGER = {
    "workers/decode/model.py": "declarations only, one struct per object of the protocol: one place to look a field up",
}
"""Modules that may be longer, and why."""

IMPURE = frozenset(
    """asyncio concurrent elasticsearch elastic_transport fcntl http.client http.server io logging multiprocessing os
    pathlib random secrets select selectors shutil signal socket socketserver sqlite3 ssl subprocess
    tempfile threading time urllib3 uuid uvloop zmq""".split()  # noqa: SIM905 - thirty quoted names are harder to read than thirty names
)
"""What a pure room must not import: I/O, processes, clocks, randomness, logging."""

PURE = {
    "workers/decode": "what a line is, and what is wrong with it",
    "workers/mapping": "which document an event makes",
    "workers/enrich": "what completes a document",
    "workers/terms.py": "what a sender may not send",
    "workers/pipeline.py": "batch in, documents and verdict out",
    "workers/spool/block.py": "the bulk form of documents",
    "workers/spool/formats.py": "what is newer than this version",
    "workers/spool/segment.py": "the form of a spool file",
    "workers/spool/ledger.py": "which blocks are done",
    "workers/sinks/contract.py": "what a sink promises",
    "workers/store/applied.py": "the documents that tell which configurations agents have",
    "workers/store/rules.py": "which configuration is for a service",
    "workers/store/rule_documents.py": "the form of stored configurations",
    "workers/store/map_check.py": "what can be kept as a source map",
    "workers/store/map_content.py": "the form in which a source map is kept",
    "workers/store/source_maps.py": "what a place for source maps promises",
    "workers/source_maps/catalogue.py": "which stored map serves a frame",
    "workers/source_maps/frames.py": "what a source map changes in a stack frame",
    "workers/source_maps/nearest.py": "which stored maps come closest to a frame",
    "workers/source_maps/parsed.py": "which place of a source a place of a minified file is",
    "workers/source_maps/paths.py": "under which paths a map is looked for",
    "workers/source_maps/shelf.py": "which maps stay in memory",
    "workers/source_maps/texts.py": "why a frame is not mapped",
    "workers/store/source.py": "what a source of configurations promises",
    "workers/sinks/parcel.py": "documents on their way",
    "workers/sinks/second_try.py": "which documents need no second try",
    "workers/sinks/schedule.py": "what the dispatcher does next",
    "daemon/auth": "who may do what, and how much of it",
    "daemon/h1": "bytes in, HTTP events out; compressed in, lines out",
    "daemon/api/agent_query.py": "what a request for configuration asks",
    "daemon/api/guards.py": "whether a request is let in",
    "daemon/api/cross_origin.py": "which pages may send",
    "daemon/control/messages.py": "what supervisor and child say to each other",
    "daemon/limits/buckets.py": "how much an address may send",
    "daemon/limits/holdings.py": "what all connections hold",
    "daemon/outcomes.py": "the table of fates",
    "daemon/errors.py": "how a start fails",
    "daemon/restarts.py": "when a dead child gets a successor",
    "daemon/settings/letters.py": "sets of letters",
    "daemon/settings/origin_patterns.py": "whether an origin fits a pattern",
    "daemon/settings/parts.py": "what each process is told",
    "daemon/settings/pattern_syntax.py": "what a regular expression is",
    "daemon/admin/original.py": "the original's names of what is counted",
    "daemon/admin/overview.py": "whether all is well",
    "daemon/telemetry/balance.py": "whether all is accounted for",
    "daemon/telemetry/exposition.py": "the form of metrics",
    "daemon/telemetry/metrics.py": "what is counted",
    "daemon/telemetry/notes.py": "what is remembered of services",
    "daemon/wire/courier.py": "what a stream needs of the links",
    "daemon/wire/frames.py": "the form of frames",
    "daemon/wire/questions.py": "what an acceptor may ask a worker",
    "daemon/wire/terms.py": "on which terms a batch is taken",
    "daemon/wire/suspects.py": "what becomes of a dead worker's batches",
    "loadtest/histogram.py": "how long answers took",
    "loadtest/page.py": "how a result looks in a browser",
    "loadtest/plots.py": "how a line is drawn",
    "loadtest/result.py": "the form of a result",
    "loadtest/tally.py": "what became of requests",
    "loadtest/words.py": "how a result reads in a terminal",
}
"""Pure rooms and what each decides; a folder stands for all modules in it."""

SHELLS = {
    "daemon/h1/protocol.py": "moves bytes between the transport and the pure parts beside it",
}
"""Modules of pure folders that do I/O, and why they live there."""

WORKERS_MAY_USE = ("settings", "control", "wire", "outcomes", "telemetry")
"""The parts of daemon/ that workers/ may import (DESIGN, "Rooms")."""

EXCEPTION_WITHOUT_REASON = re.compile(
    r"#\s*(?:type:\s*ignore|noqa)(?:\[[^\]]*\]|:\s*[A-Z]+\d+(?:[, ]+[A-Z]+\d+)*)?\s*$"
)
"""`# noqa: S101` alone; with ` - the reason` or ` # the reason` after it, an exception explains itself."""
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b")


def modules(*roots: str) -> list[Path]:
    """All Python files of some top-level folders, relative to the checkout."""
    return sorted(
        path.relative_to(CHECKOUT)
        for root in roots
        for path in (CHECKOUT / root).rglob("*.py")
        if not {"node_modules", "__pycache__", ".venv"} & set(path.parts)
    )


@cache
def imports(path: Path) -> frozenset[str]:
    """Dotted names of everything that a module imports anywhere; `from a import b` counts as `a.b`."""
    return frozenset(_imports(ast.parse((CHECKOUT / path).read_text(), str(path))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def of_room(room: str) -> list[Path]:
    """The modules of a pure room."""
    return [Path(room)] if room.endswith(".py") else [path for path in modules(room) if str(path) not in SHELLS]


def declared_packages() -> dict[str, str]:
    """setup.cfg: package → its folder."""
    parser = configparser.ConfigParser()
    parser.read(CHECKOUT / "setup.cfg")
    names = parser["options"]["packages"].split()
    assert names == sorted(names), "keep the list of packages in setup.cfg sorted"
    return {name: name.removeprefix("tidegate.").replace(".", "/") for name in names}


SOURCES = modules(*ROOTS)
EVERYTHING = modules(*ROOTS, *OTHER_CODE)


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_do_no_io(room: str) -> None:
    found = of_room(room)
    assert found and all((CHECKOUT / path).exists() for path in found), f"{room} is gone: correct the table"
    guilty = {f"{path}: {name}" for path in found for name in imports(path) if name.lstrip(".").split(".")[0] in IMPURE}
    assert not guilty


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_read_no_clock(room: str) -> None:
    """`datetime` may be imported for its arithmetic; the methods that ask for the time of day may not be used."""
    asked = [
        f"{path}:{node.lineno} .{node.attr}"
        for path in of_room(room)
        for node in ast.walk(ast.parse((CHECKOUT / path).read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
    ]
    assert not asked


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_lean_on_pure_rooms_only(room: str) -> None:
    """Otherwise I/O would come in by the back door."""
    allowed = tuple(f"tidegate.{pure.removesuffix('.py').replace('/', '.')}." for pure in PURE)
    guilty = [
        f"{path}: {name}"
        for path in of_room(room)
        for name in imports(path)
        if name.startswith("tidegate.") and not f"{name}.".startswith(allowed)
    ]
    assert not guilty


def test_daemon_never_imports_workers() -> None:
    assert not [path for path in modules("daemon") for name in imports(path) if name.startswith("tidegate.workers")]


def test_workers_import_only_the_shared_parts_of_daemon() -> None:
    guilty = {
        f"{path}: {name}"
        for path in modules("workers")
        for name in imports(path)
        if name.startswith("tidegate.daemon.") and name.split(".")[2] not in (*WORKERS_MAY_USE, "__version__")
    }
    assert not guilty


@pytest.mark.parametrize("room", ["cli", "loadtest"])
def test_nobody_imports_programs(room: str) -> None:
    others = modules(*(root for root in ROOTS if root != room))
    assert not [path for path in others for name in imports(path) if name.startswith(f"tidegate.{room}")]


def test_only_the_full_import_path_is_used() -> None:
    """`import daemon` would find another distribution's package; a relative import hides which room is meant."""
    guilty = {
        f"{path}: {name}"
        for path in EVERYTHING
        for name in imports(path)
        if name.split(".")[0] in ROOTS or (name.startswith(".") and path.parts[0] in ROOTS)
    }
    assert not guilty


def test_no_name_of_the_standard_library_is_taken() -> None:
    taken = {
        str(path)
        for source in EVERYTHING
        for path in (source, *source.parents)
        if path.stem in sys.stdlib_module_names and path.stem != "__init__"
    }
    assert not taken


def test_packages_are_declared_and_declared_packages_exist() -> None:
    """A missing one works when the install is editable and is absent from the wheel."""
    declared = set(declared_packages().values())
    with_code = {str(path.parent) for path in SOURCES}
    assert declared == with_code
    assert not [folder for folder in declared if not (CHECKOUT / folder / "__init__.py").is_file()]
    assert not [root for root in ROOTS if not (CHECKOUT / root / "py.typed").is_file()]


def test_no_test_folder_is_a_package() -> None:
    """Test folders mirror the tree; an `__init__.py` would make `tests/daemon` the package `daemon`."""
    assert not list((CHECKOUT / "tests").rglob("__init__.py"))


def test_modules_are_small() -> None:
    long = {
        str(path): lines
        for path in EVERYTHING
        if (lines := len((CHECKOUT / path).read_text().splitlines())) > LONGEST_MODULE
    }
    assert long.keys() == LONGER.keys(), long


def test_nothing_is_left_for_later_in_comments() -> None:
    assert not [path for path in EVERYTHING if UNFINISHED.search((CHECKOUT / path).read_text())]


def test_every_lint_exception_has_a_reason() -> None:
    assert not [
        f"{path}:{number}: {line.strip()}"
        for path in EVERYTHING
        for number, line in enumerate((CHECKOUT / path).read_text().splitlines(), 1)
        if EXCEPTION_WITHOUT_REASON.search(line)
    ]
