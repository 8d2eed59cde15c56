"""The settings that a command line names: `-c FILE`, `-E key=value` and the original's flags, the same for every command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tidegate.cli.pages import ORIGINAL_FLAGS
from tidegate.cli.permission import is_forbidden, refusal
from tidegate.cli.terminal import safe, terminal_of
from tidegate.daemon.errors import EXIT_SETTINGS
from tidegate.daemon.settings import logging_section, paths
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.loader import load_settings
from tidegate.daemon.settings.places import find_file
from tidegate.daemon.settings.problems import SettingsError

Pairs = list[tuple[str, str]]

_PATHS = {
    "home": "data lies in its folder `data`",
    "config": "where a relative -c FILE is looked for",
    "data": "spool, local store, dead letters",
    "logs": "log files, where they are wanted",
}
_FALSE = frozenset({"false", "f", "0"})
_TRUE = frozenset({"true", "t", "1"})


class _Sets(argparse.Action):
    """Notes settings as `-E` would; among these options and `-E` the last one wins."""

    def __init__(
        self,
        option_strings: Sequence[str],
        dest: str,
        sets: Callable[[str], Pairs],
        nargs: int | None = None,
        **rest: Any,
    ) -> None:
        self._sets = sets
        super().__init__(option_strings, "overrides", nargs, default=[], **rest)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        namespace.overrides = [*namespace.overrides, *self._sets(values)]


def add_settings_arguments(
    parser: argparse.ArgumentParser, *, in_full: bool = False, own_environment: bool = False
) -> None:
    """Adds `-c`, `-E`, and the flags of the original that have to do with settings; these are in the help only `in_full`.

    `own_environment`: the command's `--environment` is an environment of services, not the original's flag.
    """
    group = parser.add_argument_group("settings")
    group.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        help="settings file; without it ./tidegate.yml, then /etc/tidegate/tidegate.yml, then defaults",
    )
    group.add_argument(
        "-E",
        dest="overrides",
        metavar="KEY=VALUE",
        type=_pair,
        action="append",
        default=[],
        help="one setting, over those of the file; may be given again",
    )
    text = (
        None if in_full else "Taken as by tidegate run, whose help explains them: --path.*, --strict.perms, -e, -v, -d."
    )
    flags = parser.add_argument_group(ORIGINAL_FLAGS, text)
    _add_original(flags, environment=not own_environment)
    if not in_full:
        for action in flags._group_actions:
            action.help = argparse.SUPPRESS


def _add_original(group: argparse._ArgumentGroup, *, environment: bool) -> None:
    for name, help in _PATHS.items():
        group.add_argument(
            f"--path.{name}", metavar="DIR", action=_Sets, sets=_setting(f"path.{name}"), help=f"path.{name}: {help}"
        )
    group.add_argument(
        "--strict.perms",
        dest="strict_perms",
        metavar="BOOL",
        type=_boolean,
        default=True,
        help="false: any owner and mode of the settings file will do",
    )
    group.add_argument("-e", action=_Sets, nargs=0, sets=_to_stderr, help="log to standard error, not to files")
    group.add_argument("-v", dest="verbose", action="store_true", help="log at level info, if the settings say less")
    group.add_argument("-d", metavar="SELECTORS", action=_Sets, sets=_debug, help="log at level debug; '*' for all")
    if environment:
        group.add_argument(
            "--environment",
            metavar="NAME",
            default="",
            help="taken and not needed: whether it runs under systemd or in a container is seen",
        )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings in force. Raises SettingsError with every problem."""
    settings = _load(arguments, arguments.overrides)
    if arguments.verbose and settings[logging_section.LEVEL] in ("error", "warning"):
        settings = _load(arguments, [*arguments.overrides, (logging_section.LEVEL.key, "info")])
    return settings


def announced(arguments: argparse.Namespace) -> Settings:
    """The settings in force; tells on stderr which file and data folder they name. Raises SettingsError."""
    settings = settings_of(arguments)
    note(f"settings: {settings.source or _no_file(arguments)}; data: {settings.path_data}")
    return settings


def note(text: str) -> None:
    """A line for a person, beside the output."""
    print(terminal_of(sys.stderr).paint(safe(text), "dim"), file=sys.stderr, flush=True)


def warn(settings: Settings) -> None:
    """Prints what is questionable about valid settings."""
    for text in (*settings.alarms, *settings.warnings):
        print(f"warning: {safe(text)}", file=sys.stderr)


def tell(problem: SettingsError, arguments: argparse.Namespace) -> int:
    """Prints what is wrong with the settings, for a person; returns the exit code."""
    file = _file(arguments)
    note(f"settings: {file or _no_file(arguments)}")
    for warning in problem.warnings:
        print(f"warning: {safe(warning)}", file=sys.stderr)
    for mistake in problem.problems:
        print(f"error: {safe(str(mistake))}", file=sys.stderr)
    if file is not None and is_forbidden(file):
        print(f"error: {safe(refusal(file))}", file=sys.stderr)
    return EXIT_SETTINGS


def _load(arguments: argparse.Namespace, overrides: Sequence[tuple[str, str]]) -> Settings:
    return load_settings(arguments.config, overrides, os.environ, Path.cwd(), strict=arguments.strict_perms)


def _file(arguments: argparse.Namespace) -> Path | None:
    folder = next((text for key, text in reversed(arguments.overrides) if key == paths.CONFIG.key), "")
    return find_file(arguments.config, Path.cwd(), folder.strip("\"'"))


def _no_file(arguments: argparse.Namespace) -> str:
    return "no file, command line" if arguments.overrides else "no file, defaults"


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, such as apm-server.host=127.0.0.1:8200")
    return key.strip(), value


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return word in _TRUE


def _setting(key: str) -> Callable[[str], Pairs]:
    return lambda text: [(key, quoted(text))]


def quoted(text: str) -> str:
    """The text as a value of `-E` that stays as it is, commas and all."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _to_stderr(_: object) -> Pairs:
    return [("logging.to_files", "false"), ("logging.to_stderr", "true")]


def _debug(selectors: str) -> Pairs:
    """Selectors are the original's words: `*` has a meaning here, and the settings say what becomes of others."""
    level = (logging_section.LEVEL.key, "debug")
    return [level] if selectors.strip() == "*" else [level, ("logging.selectors", selectors)]
