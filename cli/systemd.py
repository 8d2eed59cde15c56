"""`tidegate systemd`: makes Tidegate a service of this machine, and takes that back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tidegate.cli import systemd_units as units
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.systemd_files import Foreign, Wanted, compare, difference, write
from tidegate.cli.systemd_plan import Unreachable, command_of, facts_of, settings_of_service, under, wanted
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE, UnfitError

_EXITS = {
    EXIT_OK: "done, or there was nothing to do",
    EXIT_FAILURE: "nothing was written: no permission, the service could not reach the command, or a file is not ours",
    EXIT_USAGE: "wrong usage",
    EXIT_SETTINGS: "the settings are invalid; nothing was written",
}
_FILES = (
    f"{units.SERVICE_FILE}, tidegate.socket: the units",
    f"{units.USERS_FILE}, {units.MODES_FILE}: the user, and who may read the settings",
    f"{units.SETTINGS}: the settings; written if there are none, never changed",
    f"{units.CREDENTIALS}/NAME: secrets for ${{NAME}} in the settings, for root alone",
)


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand and those below it."""
    parser = add_page(
        subparsers,
        "systemd",
        help="make Tidegate a service of this machine",
        text="Writes the units for a service that starts with the machine, as a user of its own and shut off from the rest, "
        "and the socket that keeps clients waiting while it restarts. Works with systemd 252 and later.",
        examples=(("sudo /opt/tidegate/bin/tidegate systemd install", "with this very program"),),
        exits=_EXITS,
        files=_FILES,
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    install = add_page(
        actions,
        "install",
        help="write the units",
        text="Writes the units for this very program, from its settings: run it again after apm-server.host, path.data, "
        "shutdown_timeout, max_connections or the set of credentials has changed, and after Tidegate was upgraded. It says what "
        "changed; a second time nothing does. It starts nothing: the commands that do are printed.",
        examples=(
            ("sudo /opt/tidegate/bin/tidegate systemd install --dry-run", "what would change"),
            ("tidegate systemd install --root image --command /opt/tidegate/bin/tidegate", "into the tree of an image"),
        ),
        exits=_EXITS,
        files=_FILES,
    )
    _finish(install, _install)
    install.add_argument(
        "--command",
        metavar="PATH",
        type=Path,
        help="the command that the service starts, as it is called on that machine; this one by default",
    )
    uninstall = add_page(
        actions,
        "uninstall",
        help="take the units away",
        text="Takes away what install wrote, but for settings, credentials, data and the user: those stay until you remove them. "
        "Stop the service first: sudo systemctl disable --now tidegate.socket tidegate.service",
        examples=(("sudo tidegate systemd uninstall", "after the service was stopped"),),
        exits={
            EXIT_OK: _EXITS[EXIT_OK],
            EXIT_FAILURE: "something was not removed: no permission, or a file is not ours",
            EXIT_USAGE: _EXITS[EXIT_USAGE],
        },
        files=_FILES,
    )
    _finish(uninstall, _uninstall)


def _finish(parser: argparse.ArgumentParser, run: object) -> None:
    parser.add_argument(
        "--root", metavar="DIR", type=Path, default=Path("/"), help="another root than /, such as an image's tree"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.set_defaults(run=run, config=None, overrides=[])


def _install(arguments: argparse.Namespace) -> int:
    root: Path = arguments.root.absolute()
    dry: bool = arguments.dry_run
    arguments.config = under(root, units.SETTINGS)
    try:
        facts = facts_of(settings_of_service(root), root, command_of(root, arguments.command))
        changes = list(compare(wanted(root, facts)))
        for file, what, now in changes:
            if what in ("create", "change") and not dry:
                write(file)
            verb = {"create": "create", "change": "change", "keep": "yours", "": "unchanged"}[what]
            print(f"{verb:10} {safe(str(file.path))}")
            if what == "change":
                print("".join(f"    {safe(line)}\n" for line in difference(now or "", file.text)), end="")
    except (Unreachable, Foreign, UnfitError) as problem:
        print(f"error: {safe(str(problem))}", file=sys.stderr)
        return problem.exit_code if isinstance(problem, UnfitError) else EXIT_FAILURE
    except PermissionError as problem:
        return _not_permitted(problem)
    if dry:
        print("\nNothing was written (--dry-run).")
    else:
        print(_next(root, settings_are_new=any(what == "create" and file.keep for file, what, _ in changes)))
    return EXIT_OK


def _uninstall(arguments: argparse.Namespace) -> int:
    root: Path = arguments.root.absolute()
    ours = [
        Wanted(under(root, path), "", mark=units.MARK)
        for path in (units.SERVICE_FILE, units.SOCKET_FILE, units.USERS_FILE, units.MODES_FILE)
    ]
    try:
        for file, what, _ in list(compare(ours)):
            if what == "create":
                print(f"not there  {safe(str(file.path))}")
                continue
            if not arguments.dry_run:
                file.path.unlink()
            print(f"remove     {safe(str(file.path))}")
    except Foreign as problem:
        print(f"error: {safe(str(problem))}", file=sys.stderr)
        return EXIT_FAILURE
    except PermissionError as problem:
        return _not_permitted(problem)
    if arguments.dry_run:
        print("\nNothing was removed (--dry-run).")
    else:
        print(
            f"\nNext:\n\n  sudo systemctl daemon-reload\n\nLeft: /etc/tidegate, {units.DATA}, {units.LOGS}, user {units.USER}"
        )
    return EXIT_OK


def _not_permitted(problem: PermissionError) -> int:
    print(f"error: {safe(str(problem.filename))}: only root may do that: sudo tidegate systemd …", file=sys.stderr)
    return EXIT_FAILURE


def _next(root: Path, *, settings_are_new: bool) -> str:
    edit = f"  sudoedit {units.SETTINGS}                 # it is new: where do events go?\n" if settings_are_new else ""
    there = "" if root == Path("/") else ", on that machine"
    return f"""
Next{there}:

{edit}  sudo systemd-sysusers && sudo systemd-tmpfiles --create tidegate.conf
  sudo systemctl daemon-reload
  sudo systemctl enable --now tidegate.socket tidegate.service
  systemctl status tidegate

If it ran already, and its address has changed: sudo systemctl restart tidegate.socket tidegate.service"""
