"""Help that reads like a page: what a command does, its options, examples, files and exit codes, at 80 columns."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Subparsers = argparse._SubParsersAction

_WIDEST = 100
"""Columns; longer lines of text are hard to follow."""
_OPTIONS = 26
"""Columns of the options; longer ones have their help on the next line."""
ORIGINAL_FLAGS = "settings, as the original's flags"
"""Title of a group of options."""
EXITS = {
    EXIT_OK: "done",
    EXIT_FAILURE: "failed, or there is something to look at",
    EXIT_USAGE: "wrong usage",
    EXIT_SETTINGS: "the settings are invalid",
}
"""What the codes mean where a command says nothing more exact."""
SETTINGS_FILES = (
    "./tidegate.yml, else /etc/tidegate/tidegate.yml: the settings, unless -c names others. Without a file the "
    "defaults hold, and events go to a local store."
)
DATA_FOLDER = (
    "path.data, else $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME/tidegate, else ~/.local/state/tidegate: the "
    "spool, the local store, dead letters."
)


class PageFormatter(argparse.HelpFormatter):
    """Wraps paragraphs; lines that begin with a space stay as they are."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST) - 2
        super().__init__(prog, max_help_position=_OPTIONS, width=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            line
            if line.startswith(" ")
            else textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
            for line in text.splitlines()
        )

    def _format_usage(self, usage: Any, actions: Any, _groups: Any, prefix: Any) -> str:
        """Without the flags of the original, which would fill four lines of each page, and without `|`, which is not wrapped."""
        named = [action for action in actions if action.container.title != ORIGINAL_FLAGS]
        return super()._format_usage(usage, named, [], prefix)

    def _format_action(self, action: argparse.Action) -> str:
        """The list of commands without a line of its own for the word COMMAND."""
        text = super()._format_action(action)
        if isinstance(action, argparse._SubParsersAction):
            text = textwrap.dedent(text.partition("\n")[2])
            return textwrap.indent(text, "  ")
        return text


class Page(argparse.ArgumentParser):
    """A parser whose help is a page. Options are never abbreviated: a script that does so breaks with the next option."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**{"formatter_class": PageFormatter, "allow_abbrev": False, **rest})


def add_page(
    subparsers: Subparsers,
    name: str,
    *,
    help: str,
    text: str,
    examples: Sequence[tuple[str, str]],
    exits: Mapping[int, str] = EXITS,
    files: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Adds a command and returns its parser.

    `help` stands in the list of commands; `text` begins the page; an example is a command line and what it is for.
    """
    return subparsers.add_parser(name, help=help, description=text, epilog=epilog(examples, exits, files))


def epilog(examples: Sequence[tuple[str, str]], exits: Mapping[int, str] = EXITS, files: Sequence[str] = ()) -> str:
    """The sections after the options."""
    lines = ["examples:"]
    for command, purpose in examples:
        lines += [f"  # {purpose}", f"  {command}"]
    if files:
        lines += ["", "files:"]
        for file in files:
            lines += textwrap.wrap(file, 76, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)
    lines += ["", "exit codes:"]
    for code, meaning in exits.items():
        lines += textwrap.wrap(f"{code:<3} {meaning}", 76, initial_indent="  ", subsequent_indent="      ")
    return "\n".join(lines)
