"""What to give to agents of Elastic APM: the address, the token, and the lines to paste for each language."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tidegate.daemon.settings import auth, rum
from tidegate.daemon.settings.declare import Honoured, Setting
from tidegate.daemon.settings.effective import Settings

EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def is_built(setting: Setting[object]) -> bool:
    """Whether this version does what the setting says."""
    return isinstance(setting.fate, Honoured)


def listens_widely(settings: Settings) -> bool:
    """Whether it listens on every address of the machine."""
    return any(address.host in EVERY_ADDRESS and not address.path for address in settings.listen)


def agent_url(settings: Settings) -> str:
    """The address that agents need, with the machine's name where Tidegate listens on every address; of a UNIX socket the
    path, to which a proxy connects: agents do not."""
    address = settings.listen[0]
    if address.host in EVERY_ADDRESS:
        address = address._replace(host=settings.machine.hostname)
    if address.path:
        return str(address)
    return f"{'https' if settings.tls else 'http'}://{address}"


def environment_lines(settings: Settings, *, with_token: bool = False) -> list[str]:
    """Environment variables that every agent understands, one a line; the token itself only with `with_token`."""
    # Agents do not connect to a UNIX socket: they get the address of the proxy in front of it, which we do not know.
    lines = [] if settings.listen[0].path else [f"ELASTIC_APM_SERVER_URL={agent_url(settings)}"]
    if token := settings[auth.SECRET_TOKEN]:
        shown = token if with_token else f"(the one of {settings.origin(auth.SECRET_TOKEN.key)})"
        lines.append(f"ELASTIC_APM_SECRET_TOKEN={shown}")
    return lines


PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "Python": ("pip install elastic-apm", "elasticapm-run python app.py"),
    "Node.js": ("npm install elastic-apm-node", "node -r elastic-apm-node/start.js app.js"),
    "Java": ("java -javaagent:elastic-apm-agent.jar -jar app.jar",),
    "Go": (
        "go get go.elastic.co/apm/module/apmhttp/v2",
        'in the program: http.ListenAndServe(":8080", apmhttp.Wrap(handler))',
    ),
}
"""How an application starts with its agent, which reads the environment."""


def lines_to_paste(settings: Settings) -> list[str]:
    """For Python, Node.js, Java, Go, PHP and browser agents; with the token, so for its owner's eyes only."""
    url, token = agent_url(settings), settings[auth.SECRET_TOKEN]
    environment = [*environment_lines(settings, with_token=True), "ELASTIC_APM_SERVICE_NAME=my-service"]
    lines = ["In the environment of the application:", ""]
    lines += [f"  export {line}" for line in environment]
    for language, commands in PROGRAMS.items():
        lines += ["", f"{language}:", *(f"  {command}" for command in commands)]
    lines += ["", "PHP, in php.ini:", f'  elastic_apm.server_url = "{url}"']
    lines += [f'  elastic_apm.secret_token = "{token}"'] if token else []
    lines += ['  elastic_apm.service_name = "my-service"', ""]
    if is_built(rum.ENABLED):
        lines.append("Browsers, in the page (no token; `tidegate init --origin` lets them in):")
    else:
        lines.append("Browsers are not served in this version; once they are, in the page:")
    return [
        *lines,
        '  <script src="elastic-apm-rum.umd.min.js"></script>',
        "  <script>",
        "    elasticApm.init({",
        '      serviceName: "my-site",',
        f"      serverUrl: {json.dumps(url)},",
        "    })",
        "  </script>",
    ]
