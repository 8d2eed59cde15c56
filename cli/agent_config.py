"""`tidegate agent-config`: what agents are told to change while they run; the same rules that Kibana's page edits."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import closing

from msgspec.structs import replace
from tidegate.cli.given import add_settings_arguments, announced, note
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.setup_identity import KEY_VARIABLE, PASSWORD_VARIABLE, NoPassword, asking, identified
from tidegate.cli.terminal import safe, terminal_of
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings import agent_config
from tidegate.daemon.settings.effective import Settings
from tidegate.workers.store.rule_documents import etag_of, rule_of
from tidegate.workers.store.rule_keeping import WRITE_ROLE, CannotChange, RuleKeeper, open_keeper
from tidegate.workers.store.rules import Rule
from tidegate.workers.store.source import CannotRead

NAME = re.compile(r"[A-Za-z0-9 _-]{1,1024}")
"""Names of services that intake accepts; agents with others are heard nowhere."""
SETTING = re.compile(r"[a-z][a-z0-9_.]{0,127}")
"""Names of agents' settings, as in Kibana."""
SAMPLE_RATE = "transaction_sample_rate"

Work = Callable[[argparse.Namespace, RuleKeeper, Settings], int]


class WrongUsage(Exception):
    """The arguments do not say what to do; the message says what is missing."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand and those below it."""
    parser = add_page(
        subparsers,
        "agent-config",
        help="list, set or delete what agents are told to change while they run",
        text="Agents ask every half minute whether a rule is for their service, and change the settings that it names without "
        "a restart. A rule for a service and an environment goes before one for the service, that before one for the "
        "environment, that before one for all.\n\n"
        f"Rules are kept in Elasticsearch, where Kibana's page APM, Agent configuration shows and edits the same ones, or "
        "with the local store in a file beside it. This command comes to Elasticsearch as apm-server.agent.config."
        f"elasticsearch and output.elasticsearch say, unless --as names a user (password: ${PASSWORD_VARIABLE}, or asked "
        f"for) or ${KEY_VARIABLE} holds a key.",
        examples=(
            ("tidegate agent-config set --service shop transaction_sample_rate=0.1", "a tenth of the traces"),
            ("tidegate agent-config set --environment prod log_level=warning", "in all services there"),
            ("tidegate agent-config list", "what is told to whom"),
            ("tidegate agent-config delete --service shop", "agents go back to their own settings"),
        ),
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_set(actions)
    _add_list(actions)
    _add_delete(actions)
    _add_role(actions)


def _add_set(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "set",
        help="change settings of a rule, or make one",
        text="Sets what agents of a service, of an environment, or of both are told. Other settings of the same rule stay. "
        "Which settings an agent takes, its documentation says, under central or dynamic configuration; it ignores others.",
        examples=(
            ("tidegate agent-config set --service shop capture_body=off log_level=info", "two settings"),
            ("tidegate agent-config set --service shop --unset capture_body", "that one is told no more"),
        ),
        files=(SETTINGS_FILES,),
    )
    parser.add_argument("settings", metavar="NAME=VALUE", nargs="*", help="a setting of agents and its value")
    parser.add_argument("--unset", metavar="NAME", action="append", default=[], help="tell this setting no more")
    parser.add_argument(
        "--agent",
        metavar="NAME",
        help="the agent that the rule is for, such as rum-js or java: callers without credentials see only rules "
        "for their kind of agent, or for none",
    )
    _add_place(parser)
    _finish(parser, _set)


def _add_list(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "list",
        help="all rules",
        text="Lists all rules with their settings.",
        examples=(("tidegate agent-config list --json", "each in one line, as it is stored"),),
        files=(SETTINGS_FILES,),
    )
    parser.add_argument("--json", action="store_true", help="print each as it is stored, in one line of JSON")
    _finish(parser, _list)


def _add_delete(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "delete",
        help="remove a rule",
        text="Removes the rule for exactly this service and environment. Its agents follow the next rule that is for them, "
        "else their own settings.",
        examples=(("tidegate agent-config delete --service shop --environment prod", "that one rule"),),
        files=(SETTINGS_FILES,),
    )
    _add_place(parser)
    _finish(parser, _delete)


def _add_role(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "role",
        help="print what this command may need in Elasticsearch",
        text="Prints the least role for changing rules, as JSON. The daemon needs to read only, and has that by the role of "
        "`tidegate setup --print-role`.",
        examples=(("tidegate agent-config role", "the body of PUT /_security/role/NAME"),),
    )
    parser.set_defaults(run=_role)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", metavar="NAME", default="", help="for this service; without it for any")
    parser.add_argument("--environment", metavar="NAME", default="", help="for this environment; without it for any")
    parser.add_argument("--all", action="store_true", help="the rule for every service in every environment")


def _finish(parser: argparse.ArgumentParser, work: Work) -> None:
    parser.add_argument("--as", dest="user", metavar="USER", default="", help="come to Elasticsearch as this user")
    add_settings_arguments(parser, own_environment=True)

    def run(arguments: argparse.Namespace) -> int:
        settings = announced(arguments)
        part = settings.agent_config_part()
        try:
            if part.elasticsearch is not None:
                came = identified(part.elasticsearch, arguments.user, os.environ, asking())
                part = replace(part, elasticsearch=came)
            with closing(open_keeper(part)) as keeper:
                note(f"rules: {keeper.where}")
                return work(arguments, keeper, settings)
        except WrongUsage as problem:
            print(problem, file=sys.stderr)
            return EXIT_USAGE
        except (CannotRead, CannotChange, NoPassword) as problem:
            print(safe(str(problem)), file=sys.stderr)
            return EXIT_FAILURE

    parser.set_defaults(run=run)


# ------------------------------------------------------------------------------------------------------------- commands


def _set(arguments: argparse.Namespace, keeper: RuleKeeper, settings: Settings) -> int:
    service, environment = _place(arguments)
    wanted = dict(map(_pair, arguments.settings))
    if not wanted and not arguments.unset and arguments.agent is None:
        raise WrongUsage(f"what is to be set? Name settings and values, such as {SAMPLE_RATE}=0.1")

    def edit(rule: Rule | None) -> Rule:
        agent = (rule.agent_name if rule else "") if arguments.agent is None else arguments.agent
        told = {**((rule.settings if rule else None) or {}), **wanted}
        told = {name: told[name] for name in sorted(told) if name not in arguments.unset}
        return Rule(service, environment, agent, told, etag_of(service, environment, agent, told))

    before, after = keeper.change(service, environment, edit)
    print(f"{_words(service, environment)}: {_told(after)}")
    if before == after:
        note("nothing has changed")
    elif settings.sink_name == "elasticsearch":
        seconds = int(settings[agent_config.CACHE_EXPIRATION])
        note(f"Tidegate reads it within {seconds} s; agents ask every {seconds} s")
    return EXIT_OK


def _list(arguments: argparse.Namespace, keeper: RuleKeeper, _: Settings) -> int:
    documents = keeper.documents()
    if arguments.json:
        for document in documents:
            print(json.dumps(document))
        return EXIT_OK
    terminal = terminal_of(sys.stdout)
    rules = [rule for rule in map(rule_of, documents) if rule is not None]
    for rule in sorted(rules, key=lambda one: (one.service == "", one.service, one.environment == "", one.environment)):
        head = terminal.paint(_words(rule.service, rule.environment), "bold")
        print(f"{head}  (agent: {safe(rule.agent_name)})" if rule.agent_name else head)
        for name, value in (rule.settings or {}).items():
            print(f"    {safe(name)}={safe(value)}")
    if not rules:
        note("no rules: agents keep the settings that they have")
    return EXIT_OK


def _delete(arguments: argparse.Namespace, keeper: RuleKeeper, _: Settings) -> int:
    service, environment = _place(arguments)
    before, _after = keeper.change(service, environment, lambda _: None)
    if before is None:
        print(f"there is no rule for {_words(service, environment)}", file=sys.stderr)
        return EXIT_FAILURE
    print(f"{_words(service, environment)}: removed, it was {_told(before)}")
    return EXIT_OK


def _role(_: argparse.Namespace) -> int:
    print(json.dumps(WRITE_ROLE, indent=2))
    return EXIT_OK


def _place(arguments: argparse.Namespace) -> tuple[str, str]:
    """Service and environment. Raises WrongUsage."""
    service, environment = arguments.service, arguments.environment
    if arguments.all == bool(service or environment):
        raise WrongUsage("for whom? Name --service, --environment or both, or say --all and neither of them")
    if service and not NAME.fullmatch(service):
        raise WrongUsage(f"no agent can have the service name {safe(service)!r}: letters, digits, space, _ and - only")
    return service, environment


def _pair(text: str) -> tuple[str, str]:
    """Raises WrongUsage."""
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise WrongUsage(f"{safe(text)!r} is not NAME=VALUE (--unset {safe(name)} takes a setting away)")
    if not SETTING.fullmatch(name):
        raise WrongUsage(f"{safe(name)!r} is no name of a setting of agents, such as {SAMPLE_RATE}")
    if name == SAMPLE_RATE and not _is_rate(value):
        raise WrongUsage(f"{SAMPLE_RATE} is a number from 0 to 1, not {safe(value)!r}")
    return name, value


def _is_rate(text: str) -> bool:
    try:
        return 0.0 <= float(text) <= 1.0
    except ValueError:
        return False


def _words(service: str, environment: str) -> str:
    where = f"environment {safe(environment)}" if environment else "any environment"
    return f"{f'service {safe(service)}' if service else 'any service'}, {where}"


def _told(rule: Rule | None) -> str:
    told = rule.settings if rule else None
    return ", ".join(f"{safe(name)}={safe(value)}" for name, value in (told or {}).items()) or "no settings"
