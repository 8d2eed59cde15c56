"""`tidegate init`: the file passes the check and is private, and what cannot be had yet is said plainly."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tidegate.cli import agents, init
from tidegate.cli.init import Built, file_text
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings import auth
from tidegate.daemon.settings.loader import load_settings
from tidegate.daemon.settings.yaml_file import read_yaml

pytestmark = pytest.mark.usefixtures("alone")
ORIGINS = ["https://shop.example", "http://localhost:3000"]


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("origins", [[], ORIGINS[:1], ORIGINS])
def test_what_is_written_passes_the_check(public: bool, origins: list[str], alone: Path) -> None:
    words = ["init"] + ["--public"] * public + [word for origin in origins for word in ("--origin", origin)]
    assert main(words) == EXIT_OK
    file = alone / "tidegate.yml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["check"]) == EXIT_OK
    settings = load_settings(None, (), {"HOME": str(alone)}, alone)
    assert settings.source == file
    assert settings.sink_name == "local"
    assert settings.listen[0].host == ("" if public else "127.0.0.1")
    assert bool(settings[auth.SECRET_TOKEN]) == init.built().tokens, "a token as soon as it means something"


def test_an_existing_file_is_never_touched(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = alone / "tidegate.yml"
    file.write_text("mine")
    assert main(["init"]) == EXIT_FAILURE
    assert "is there already" in capsys.readouterr().err
    assert file.read_text() == "mine"
    dangling = alone / "link.yml"
    dangling.symlink_to(alone / "nowhere.yml")
    assert main(["init", "link.yml"]) == EXIT_FAILURE
    assert not (alone / "nowhere.yml").exists()


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "no/such/folder.yml"]) == EXIT_FAILURE
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("abilities", [Built(*flags) for flags in itertools.product((False, True), repeat=3)], ids=str)
@pytest.mark.parametrize("public", [False, True])
def test_the_file_with_all_that_will_be_built(abilities: Built, public: bool) -> None:
    text = file_text(abilities, "t0ken-_", public=public, origins=ORIGINS)
    leaves, problems = read_yaml(text, "tidegate.yml")
    given = {key: leaf.value for key, leaf in leaves}
    assert problems == []
    assert given.get("apm-server.auth.secret_token") == ("t0ken-_" if abilities.tokens else None)
    assert given.get("apm-server.rum.enabled") is (True if abilities.browsers else None)
    assert given["apm-server.host"] == (":8200" if public else "127.0.0.1:8200")
    assert given["output.local.enabled"] is True
    assert all(origin in text for origin in ORIGINS)
    assert max(len(line) for line in text.splitlines()) <= 120


def test_commented_lines_are_settings_that_exist(alone: Path) -> None:
    """Taking the marks away gives a file for Elasticsearch that is valid, too."""
    text = file_text(Built(False, False, False), "", public=False, origins=[])
    lines = []
    for line in text.splitlines():
        bare = line.lstrip()
        setting = bare.startswith("#") and not bare.startswith("# ")
        lines.append(line.replace("#", "", 1) if setting else line)
    (alone / "all.yml").write_text("\n".join(lines).replace("enabled: true", "enabled: false"))
    settings = load_settings(
        alone / "all.yml", (), {"HOME": str(alone), "ELASTICSEARCH_API_KEY": "id:key"}, alone, strict=False
    )
    assert settings.sink_name == "elasticsearch"
    assert not settings.warnings
    assert settings.path_data == Path("/var/lib/tidegate")


def test_what_is_not_built_is_said(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(None, [("apm-server.host", ":8200")], {"HOME": str(alone)}, alone)
    said = "\n".join(init.missing(Built(False, False, False), settings, ORIGINS))
    assert "the file holds no token, and whoever can reach this machine may send" in said
    assert "TLS is not built" in said and "browsers are not served" in said
    assert init.missing(Built(True, True, True), settings, ORIGINS) == []
    assert main(["init"]) == EXIT_OK
    assert ("authentication is not built" in capsys.readouterr().err) == (not init.built().tokens)


@pytest.mark.parametrize(
    "origin",
    ["shop.example", "ftp://shop.example", "https://shop.example/page", "https://a@b", 'https://x"y', "http://[x", ""],
)
def test_no_origin(origin: str, alone: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["init", f"--origin={origin}"])
    assert ended.value.code == EXIT_USAGE
    assert not (alone / "tidegate.yml").exists()


@pytest.mark.parametrize("origin", ["https://shop.example", "https://shop.example/", "*", "http://[::1]:3000"])
def test_origins(origin: str) -> None:
    assert main(["init", "--origin", origin]) == EXIT_OK


def test_lines_for_every_agent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == EXIT_OK
    out = capsys.readouterr().out
    assert "ELASTIC_APM_SERVER_URL=http://127.0.0.1:8200" in out
    for word in (
        "Python",
        "elasticapm-run",
        "Node.js",
        "elastic-apm-node",
        "Java",
        "-javaagent:",
        "Go",
        "apmhttp",
        "PHP",
    ):
        assert word in out
    assert "elastic_apm.server_url" in out and "elasticApm.init(" in out and 'serverUrl: "http://127.0.0.1:8200"' in out
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("wrote "))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:8200", "http://127.0.0.1:8200"),
        ("apm.example", "http://apm.example:8200"),
        ("[::1]:8201", "http://[::1]:8201"),
        (":8200", "http://{hostname}:8200"),
        ("0.0.0.0:8200", "http://{hostname}:8200"),
        ("[::]:8200", "http://{hostname}:8200"),
    ],
)
def test_the_address_that_agents_need(host: str, url: str, alone: Path) -> None:
    settings = load_settings(None, [("apm-server.host", f"'{host}'")], {"HOME": str(alone)}, alone)
    assert agents.agent_url(settings) == url.replace("{hostname}", settings.machine.hostname)
