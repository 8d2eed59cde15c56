"""`tidegate init`: a settings file with comments, and the lines to paste for agents."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tidegate.cli.agents import agent_url, is_built, lines_to_paste, listens_widely
from tidegate.cli.given import announced
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.permission import refusal
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings import auth, rum, tls_section
from tidegate.daemon.settings.effective import Settings

DEFAULT_FILE = Path("tidegate.yml")
TOKEN_BYTES = 24
"""192 random bits: beyond guessing, and still one short line."""


class Built(NamedTuple):
    """What this version can do, as the table of settings says."""

    tokens: bool
    browsers: bool
    tls: bool


def built() -> Built:
    """Of this version."""
    return Built(is_built(auth.SECRET_TOKEN), is_built(rum.ENABLED), is_built(tls_section.ENABLED))


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "init",
        help="write a settings file, and print what agents need",
        text="Writes a settings file with comments and prints the lines to paste for Python, Node.js, Java, Go, PHP and "
        "browser agents. Only you can read the file; one that is there is never overwritten.\n\n"
        "Events go to the local store; the file says how to send them to Elasticsearch instead.",
        examples=(
            ("tidegate init", "for applications on this machine: ./tidegate.yml"),
            ("tidegate init --public /etc/tidegate/tidegate.yml", "for those of other machines"),
            ("tidegate init --public --origin https://shop.example", "for browsers, too"),
        ),
        exits={
            EXIT_OK: "written",
            EXIT_FAILURE: "not written: the file is there, or the folder is not",
            EXIT_USAGE: "wrong usage",
        },
        files=("./tidegate.yml, or FILE: what is written, mode 0600",),
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, default=DEFAULT_FILE, help="./tidegate.yml by default"
    )
    parser.add_argument("--public", action="store_true", help="listen on every address, not only for this machine")
    parser.add_argument(
        "--origin",
        dest="origins",
        metavar="URL",
        type=_origin,
        action="append",
        default=[],
        help="let browsers send from pages of this origin, such as https://shop.example; may be given again",
    )
    parser.set_defaults(run=run, overrides=[], strict_perms=True, verbose=False)


def run(arguments: argparse.Namespace) -> int:
    """Writes the file; returns the exit code. Raises SettingsError."""
    file = Path.cwd() / arguments.file
    abilities = built()
    token = secrets.token_urlsafe(TOKEN_BYTES) if abilities.tokens else ""
    try:
        _write(file, file_text(abilities, token, public=arguments.public, origins=arguments.origins))
    except FileExistsError:
        print(
            f"{safe(str(file))} is there already, and was not touched: name another file, or move it away",
            file=sys.stderr,
        )
        return EXIT_FAILURE
    except PermissionError:
        print(safe(refusal(file.parent)), file=sys.stderr)
        return EXIT_FAILURE
    except OSError as problem:
        print(f"{safe(str(file))} cannot be written: {problem.strerror}", file=sys.stderr)
        return EXIT_FAILURE
    arguments.config = file
    settings = announced(arguments)
    print(f"wrote {safe(str(file))}, which only you can read")
    for line in missing(abilities, settings, arguments.origins):
        print(f"note: {line}", file=sys.stderr)
    start = "tidegate run" if file == Path.cwd() / DEFAULT_FILE else f"tidegate run -c {arguments.file}"
    print(f"\nStart it:\n\n  {safe(start)}\n")
    for line in lines_to_paste(settings):
        print(safe(line))
    return EXIT_OK


def _write(file: Path, text: str) -> None:
    """A new file, 0600. Raises OSError; nothing is left of a file that could not be written whole."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError:
        file.unlink(missing_ok=True)
        raise


def missing(abilities: Built, settings: Settings, origins: list[str]) -> list[str]:
    """What was wanted, or should be, and this version cannot do yet: plainly."""
    lines = []
    if not abilities.tokens:
        reach = "whoever can reach this machine" if listens_widely(settings) else "every program of this machine"
        lines.append(
            f"authentication is not built in this version: the file holds no token, and {reach} may send to {agent_url(settings)}"
        )
    if listens_widely(settings) and not abilities.tls:
        lines.append(
            "TLS is not built in this version: let a reverse proxy (nginx, haproxy) end it in front of Tidegate"
        )
    if origins and not abilities.browsers:
        lines.append(
            "browsers are not served in this version (404): the lines about them stand in the file as comments"
        )
    return lines


def file_text(abilities: Built, token: str, *, public: bool, origins: list[str]) -> str:
    """The settings file."""
    host = ":8200" if public else "127.0.0.1:8200"
    reach = "every address of this machine" if public else 'programs of this machine only; ":8200" is every address'
    lines = [
        "# Settings of Tidegate, written by `tidegate init`. Names are those of Elastic's apm-server.yml.",
        "# After a change: `tidegate check`, then `tidegate reload`, which names what needs a restart.",
        "# What is in force: `tidegate settings --all`.",
        "",
        "apm-server:",
        f"  # Where agents connect: {reach}.",
        f'  host: "{host}"',
        "",
        *_authentication(abilities, token),
        "",
        *_browsers(abilities, origins),
        "  # Environment of events that name none.",
        '  #default_service_environment: "production"',
    ]
    if public and not abilities.tls:
        lines += ["", "  # Agents speak plain HTTP with this port: a reverse proxy in front of it can end TLS."]
    elif public:
        lines += [
            "",
            "  # Without TLS the token and the events can be read on the way.",
            "  #ssl:",
            '  #  certificate: "/etc/tidegate/certificate.pem"',
            '  #  key: "/etc/tidegate/key.pem"',
        ]
    return "\n".join([*lines, _REST])


def _authentication(abilities: Built, token: str) -> list[str]:
    if not abilities.tokens:
        return ["  # Authentication is not built in this version: whoever can reach the address may send."]
    return [
        "  auth:",
        "    # Agents must send it (ELASTIC_APM_SECRET_TOKEN). Another one: openssl rand -hex 24",
        f'    secret_token: "{token}"',
    ]


def _browsers(abilities: Built, origins: list[str]) -> list[str]:
    if not origins:
        return []
    lines = ["rum:", "  enabled: true", "  allow_origins:", *(f'    - "{origin}"' for origin in origins)]
    mark = "" if abilities.browsers else "#"
    head = (
        "  # Browsers send without a token, from pages of these origins."
        if abilities.browsers
        else "  # Not built in this version: browsers that send, from pages of these origins."
    )
    return [head, *(f"  {mark}{line}" for line in lines), ""]


_REST = """
# Exactly one output.
output:
  # A file in the data folder, for `tidegate traces`: to look around, and for small installations.
  local:
    enabled: true
    #max_bytes: 1GiB
    #max_age: 7d

  # Elasticsearch: take the "#" from these lines, and set `enabled: false` above.
  #elasticsearch:
  #  hosts: ["https://elasticsearch.example:9200"]
  #  # `tidegate setup --create-api-key` makes one that may do no more than it must.
  #  # The value comes from the environment, or from a systemd credential of that name.
  #  api_key: "${ELASTICSEARCH_API_KEY}"

# The spool, the local store, dead letters. Without it: $STATE_DIRECTORY under systemd, else ~/.local/state/tidegate.
#path.data: /var/lib/tidegate

# Events that are accepted and not yet stored wait on disk, up to this size; then agents are told to wait.
#tidegate.spool.max_bytes: 2GiB

#logging.level: info
#tidegate.logging.requests: errors
"""


def _origin(text: str) -> str:
    """`scheme://host[:port]`, or `*`. Raises argparse.ArgumentTypeError."""
    if text == "*":
        return text
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    bare = text.rstrip("/")
    if not usable or bare != f"{parts.scheme}://{parts.netloc}" or "@" in text or not text.isprintable() or '"' in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no origin: write for instance https://shop.example, without a path"
        )
    return bare
