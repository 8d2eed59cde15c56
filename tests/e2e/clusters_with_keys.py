"""The real Elasticsearch with API keys, and without templates: as its owner finds it before `tidegate setup`."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from e2e.clusters import KEEPER, VERSION, RealElasticsearch, Unavailable, java_home, java_version

OLDEST_COMPILER = 21
SOURCE = Path(__file__).resolve().parent.parent / "data" / "elasticsearch" / "NamesPlugin.java"
PLUGIN = {
    "description": "what the index of API keys needs of text analysis",
    "version": "1",
    "name": "names-for-tests",
    "classname": "tidegate.tests.NamesPlugin",
    "java.version": "21",
    "elasticsearch.version": VERSION,
}


def compiler() -> Path:
    """A Java compiler for the plugin. Raises Unavailable."""
    beside = java_home() / "bin" / "javac"
    installed = [
        home / "bin" / "javac" for home in Path("/usr/lib/jvm").glob("*") if java_version(home) >= OLDEST_COMPILER
    ]
    for path in (beside, *installed):
        if path.exists():
            return path
    raise Unavailable(f"a Java compiler (javac) of version {OLDEST_COMPILER} or newer: a whole JDK, not only a runtime")


class ElasticsearchWithKeys(RealElasticsearch):
    """Security is on; further users with roles from a file may be given: name → role."""

    def __init__(self, users: dict[str, dict[str, Any]]) -> None:
        super().__init__(security=True)
        self._users = users

    def install_templates(self) -> None:
        """None: that is what is tested."""

    def _configure(self, home: Path, java: Path) -> None:
        super()._configure(home, java)
        self._add_plugin(home)
        config = home / "config"
        keeper = next(line for line in (config / "users").read_text().splitlines() if line.startswith(f"{KEEPER}:"))
        for user, role in self._users.items():
            add_line(config / "roles.yml", f"{user}: {json.dumps(role)}")
            add_line(config / "users", f"{user}:{keeper.partition(':')[2]}")
            add_line(config / "users_roles", f"{user}:{user}")

    def _add_plugin(self, home: Path) -> None:
        """Compiles it against this very distribution: there is no binary of it to keep in step."""
        classes = self.folder / "classes"
        command = [str(compiler()), "--release", "21", "-cp", f"{home}/lib/*", "-d", str(classes), str(SOURCE)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if result.returncode:
            raise AssertionError(f"the plugin for tests does not compile\n{result.stderr}")
        folder = home / "plugins" / PLUGIN["name"]
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "names.jar", "w") as archive:
            for file in sorted(classes.rglob("*.class")):
                archive.write(file, file.relative_to(classes))
        lines = [f"{key}={value}\n" for key, value in PLUGIN.items()]
        (folder / "plugin-descriptor.properties").write_text("".join(lines))
        shutil.rmtree(classes)

    def mapping(self, data_stream: str) -> dict[str, Any]:
        """The mappings of the data stream's index."""
        (index,) = self.request("GET", f"/{data_stream}/_mapping").values()
        mappings: dict[str, Any] = index["mappings"]
        return mappings

    def templates(self) -> set[str]:
        """Names of all index templates."""
        return {one["name"] for one in self.request("GET", "/_index_template")["index_templates"]}


def add_line(file: Path, line: str) -> None:
    """Appends a line."""
    with file.open("a") as output:
        output.write(f"{line}\n")
