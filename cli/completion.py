"""`tidegate completion`: what a shell needs to complete commands, options and the keys of settings."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence

from tidegate.cli.completion_model import Option, Place, places
from tidegate.cli.pages import Subparsers, add_page
from tidegate.daemon.errors import EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings.table import SETTINGS


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "completion",
        help="print a script that teaches a shell to complete",
        text="Prints a script with which bash, zsh or fish completes commands, options, and the keys of settings after -E.",
        examples=(
            ('eval "$(tidegate completion bash)"', "bash, in ~/.bashrc"),
            ("tidegate completion zsh > ~/.zfunc/_tidegate", "zsh, with ~/.zfunc in fpath before compinit"),
            ("tidegate completion fish > ~/.config/fish/completions/tidegate.fish", "fish"),
        ),
        exits={EXIT_OK: "done", EXIT_USAGE: "wrong usage"},
        files=(),
    )
    parser.add_argument("shell", choices=sorted(SHELLS), help="which shell")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the script; returns the exit code."""
    known = list(places(arguments.parser))
    print(SHELLS[arguments.shell](known, list(SETTINGS)), end="")
    return EXIT_OK


def bash(known: Sequence[Place], keys: Sequence[str]) -> str:
    """For bash from version 4 on."""
    lines = [
        "# bash completion of tidegate, printed by `tidegate completion bash`",
        "_tidegate() {",
        "    local at='' place words",
        "    local current=${COMP_WORDS[COMP_CWORD]}",
        "    for ((place = 1; place < COMP_CWORD; place++)); do",
        '        case "$at ${COMP_WORDS[place]}" in',
        *_transitions(known),
        "        esac",
        "    done",
        "    case ${COMP_WORDS[COMP_CWORD-1]} in",
    ]
    for pattern, option in _with_value(known):
        words = shlex.quote(" ".join(option.choices or [f"{key}=" for key in keys] if option.kind == "setting" else ()))
        flag = {"file": "-f", "folder": "-d"}.get(option.kind, f"-W {words}")
        glue = "compopt -o nospace 2>/dev/null; " if option.kind == "setting" else ""
        lines.append(f'        {pattern}) {glue}COMPREPLY=($(compgen {flag} -- "$current")); return ;;')
    lines += ["    esac", '    case "$at" in']
    for place in known:
        names = [name for name, _ in place.commands] + [name for option in place.options for name in option.names]
        lines.append(f"        {shlex.quote(place.path)}) words={shlex.quote(' '.join(names))} ;;")
    lines += [
        "    esac",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o bashdefault -o default -F _tidegate tidegate",
    ]
    return "\n".join(lines) + "\n"


def zsh(known: Sequence[Place], keys: Sequence[str]) -> str:
    """For zsh; works as a file of fpath and with eval."""
    lines = [
        "#compdef tidegate",
        "# zsh completion of tidegate, printed by `tidegate completion zsh`",
        "_tidegate() {",
        "    local at='' word",
        "    local -a candidates",
        "    for word in ${words[2,CURRENT-1]}; do",
        '        case "$at $word" in',
        *_transitions(known),
        "        esac",
        "    done",
        "    case ${words[CURRENT-1]} in",
    ]
    for pattern, option in _with_value(known):
        if option.choices:
            does = f"compadd -- {' '.join(map(shlex.quote, option.choices))}"
        elif option.kind == "setting":
            does = f"compadd -S '' -- {' '.join(f'{key}=' for key in keys)}"
        else:
            does = {"file": "_files", "folder": "_files -/"}.get(option.kind, ":")
        lines.append(f"        {pattern}) {does}; return ;;")
    lines += ["    esac", '    case "$at" in']
    for place in known:
        entries = [_described(name, help) for name, help in place.commands]
        entries += [_described(name, option.help) for option in place.options for name in option.names]
        lines.append(f"        {shlex.quote(place.path)}) candidates=({' '.join(map(shlex.quote, entries))}) ;;")
    lines += [
        "    esac",
        "    _describe tidegate candidates || _files",
        "}",
        'if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _tidegate "$@"; else compdef _tidegate tidegate; fi',
    ]
    return "\n".join(lines) + "\n"


def fish(known: Sequence[Place], keys: Sequence[str]) -> str:
    """For fish."""
    lines = [
        "# fish completion of tidegate, printed by `tidegate completion fish`",
        "function __tidegate_at",
        "    set -l at ''",
        "    for word in (commandline -opc)[2..]",
        '        switch "$at $word"',
    ]
    for above, name, path in _steps(known):
        lines += [f"            case {_fish(f'{above} {name}')}", f"                set at {_fish(path)}"]
    lines += ["        end", "    end", "    echo $at", "end"]
    lines.append(f"set -g __tidegate_keys {' '.join(f'{key}=' for key in keys)}")
    for place in known:
        begin = f"complete -c tidegate -n {_fish(f'test (__tidegate_at) = {_fish(place.path)}')}"
        if place.commands:
            begin += " -f"
        lines += [f"{begin} -a {_fish(name)} -d {_fish(help)}" for name, help in place.commands]
        for option in place.options:
            names = " ".join(
                f"-l {_fish(name[2:])}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
            )
            lines.append(f"{begin} {names}{_fish_value(option)} -d {_fish(option.help)}")
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[Sequence[Place], Sequence[str]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def _steps(known: Iterable[Place]) -> list[tuple[str, str, str]]:
    """Where one is, the command that follows, where one is then."""
    return [(place.path, name, f"{place.path} {name}".strip()) for place in known for name, _ in place.commands]


def _transitions(known: Iterable[Place]) -> list[str]:
    """Those steps, as cases of bash and zsh."""
    return [
        f"            {shlex.quote(f'{above} {name}')}) at={shlex.quote(path)} ;;"
        for above, name, path in _steps(known)
    ]


def _with_value(known: Iterable[Place]) -> list[tuple[str, Option]]:
    """Options that take a value, each once, with the pattern of their names; a name means the same everywhere (tested)."""
    options = {option.names: option for place in known for option in place.options if option.kind}
    return [("|".join(names), option) for names, option in options.items()]


def _described(name: str, help: str) -> str:
    escaped = name.replace(":", "\\:")
    return f"{escaped}:{help}" if help else escaped


def _fish(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _fish_value(option: Option) -> str:
    if option.choices:
        return f" -x -a {_fish(' '.join(option.choices))}"
    if option.kind == "setting":
        return " -x -a '$__tidegate_keys'"
    return {"": "", "file": " -r -F", "folder": " -x -a '(__fish_complete_directories)'"}.get(option.kind, " -x")
