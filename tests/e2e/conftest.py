"""Fixtures for tests against real processes: the daemon, the stand-in for Elasticsearch, and a real Elasticsearch."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from e2e.clusters import RealElasticsearch, Unavailable
from e2e.daemons import Daemon
from e2e.presence import absent

MakeDaemon = Callable[[dict[str, object]], Daemon]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[MakeDaemon]:
    """`daemon(settings)`: a Daemon, not yet started; at the end of the test nothing of it is left running."""
    with ExitStack() as stack:
        made = 0

        def make(settings: dict[str, object]) -> Daemon:
            nonlocal made
            made += 1
            folder = tmp_path / f"daemon-{made}"
            folder.mkdir()
            return stack.enter_context(Daemon(folder, settings))

        yield make


@pytest.fixture(scope="session")
def stand_in(shared: Path) -> ModuleType:
    """The module of the stand-in for Elasticsearch."""
    return load(shared / "tools" / "fake_elasticsearch.py")


@pytest.fixture
def fake_elasticsearch(stand_in: ModuleType) -> Iterator[Any]:
    """A stand-in for Elasticsearch, empty and healthy."""
    with stand_in.FakeElasticsearch() as fake:
        yield fake


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[RealElasticsearch]:
    """The real Elasticsearch, one for all tests: each takes a namespace of its own."""
    try:
        with RealElasticsearch() as cluster:
            yield cluster
    except Unavailable as what:
        absent(str(what))


def load(path: Path) -> ModuleType:
    """Imports a program as a module, by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module
