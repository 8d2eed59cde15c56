"""What a user installs: the wheel and the source archive hold what they must, and the installed command works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from e2e.daemons import Daemon
from test_architecture import declared_packages

JUNK = shutil.ignore_patterns(
    ".*_cache", ".git", ".hypothesis", ".typing", ".venv", "*.egg-info", "__pycache__", "build", "dist", "node_modules"
)
INSTALL_S = 300
STEP = """
import sys
from setuptools import build_meta
print(getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2]))
"""


class Built(NamedTuple):
    """The two archives, and the tree that they were made of."""

    tree: Path
    wheel: Path
    sdist: Path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Runs a program to its end; returns what it printed. Fails with all of it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if result.returncode:
        pytest.fail(f"{command}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}", pytrace=False)
    return result.stdout


def new_environment(folder: Path) -> Path:
    """An empty virtual environment; returns its Python."""
    run(sys.executable, "-m", "venv", folder)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both archives, from a clean copy of the tree; the wheel from the source archive, as an installer makes it."""
    folder = tmp_path_factory.mktemp("build")
    shutil.copytree(checkout, folder / "tree", ignore=JUNK, symlinks=True)
    python = new_environment(folder / "venv")
    requires = tomllib.loads((checkout / "pyproject.toml").read_text())["build-system"]["requires"]
    run(python, "-m", "pip", "install", "-q", *requires)
    run(python, "-c", STEP, "sdist", folder, cwd=folder / "tree")
    sdist = next(folder.glob("tidegate-*.tar.gz"))
    (folder / "unpacked").mkdir()
    run("tar", "-xzf", sdist, "-C", folder / "unpacked")
    run(python, "-c", STEP, "wheel", folder, cwd=next((folder / "unpacked").iterdir()))
    return Built(folder / "tree", next(folder.glob("tidegate-*.whl")), sdist)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `tidegate`, from the wheel, in an environment that has nothing else."""
    python = new_environment(tmp_path_factory.mktemp("installed") / "venv")
    run(python, "-m", "pip", "install", "-q", built.wheel)
    return python.with_name("tidegate")


def in_wheel(tree: Path) -> set[str]:
    """Every file of the declared packages, by the name that it must have in the wheel."""
    names = set()
    for package, folder in declared_packages().items():
        inside = package.replace(".", "/")
        names |= {f"{inside}/{path.name}" for path in (tree / folder).glob("*.py")}
        names |= {f"{inside}/{path.name}" for path in (tree / folder).glob("py.typed")}
    return names | {f"tidegate/cli/data/{path.name}" for path in (tree / "cli" / "data").iterdir() if path.is_file()}


@pytest.mark.timeout(INSTALL_S)
def test_the_wheel_holds_the_packages_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert names == in_wheel(built.tree)


@pytest.mark.timeout(INSTALL_S)
def test_the_wheel_brings_the_units(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name.partition(".data/data/")[2] for name in archive.namelist() if ".data/" in name}
    places = {path.relative_to(built.tree / "systemd") for path in (built.tree / "systemd").rglob("tidegate.*")}
    units = {f"lib/{path}" if len(path.parts) > 1 else f"lib/systemd/system/{path}" for path in places}
    assert len(units) == 4
    assert units <= names


@pytest.mark.timeout(INSTALL_S)
def test_the_source_archive_builds_by_itself(built: Built) -> None:
    """The wheel of the test above was built from it; it holds what a reader needs, too."""
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "setup.cfg", "pyproject.toml", "daemon/outcomes.py", "cli/main.py"} <= names


@pytest.mark.timeout(INSTALL_S)
def test_the_installed_command_shows_a_first_trace(installed: Path, tmp_path: Path) -> None:
    """The first minute of the README, with the wheel: version, run with the local store, demo, traces, trace."""
    assert run(installed, "--version", cwd=tmp_path).startswith("tidegate ")
    with Daemon(tmp_path, {"output.local.enabled": True}, command=installed) as daemon:
        daemon.start()
        said = run(installed, "demo", "--url", f"http://127.0.0.1:{daemon.port}", cwd=tmp_path)
        trace_id = said.partition("tidegate trace ")[2].split()[0]
        listed = run(installed, "traces", "--data", daemon.data, cwd=tmp_path)
        assert trace_id[:8] in listed
        assert trace_id[:8] in run(installed, "trace", trace_id, "--data", daemon.data, cwd=tmp_path)
        assert run(installed, "services", "--data", daemon.data, cwd=tmp_path)
        assert run(installed, "errors", "--data", daemon.data, cwd=tmp_path)
        daemon.stop()
        assert daemon.complaints() == []
