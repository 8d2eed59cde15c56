"""From files, `-E` and the environment to settings in force, or to every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tidegate.daemon.settings import auth_parts, checks, paths, tls_section
from tidegate.daemon.settings.command_line import read_value
from tidegate.daemon.settings.declare import Warned
from tidegate.daemon.settings.draft import Draft
from tidegate.daemon.settings.effective import Settings, count_processes, worked_out
from tidegate.daemon.settings.leaves import Leaf, flat, gather, override
from tidegate.daemon.settings.machine import Machine, this_machine
from tidegate.daemon.settings.places import default_data_folder, find_file, read_file, strict_permissions
from tidegate.daemon.settings.problems import COMMAND_LINE, Origin, Problem, SettingsError
from tidegate.daemon.settings.shown import in_words
from tidegate.daemon.settings.table import SETTINGS
from tidegate.daemon.settings.variables import named_sources
from tidegate.daemon.settings.yaml_file import read_yaml


def load_settings(
    config: Path | None,
    overrides: Sequence[tuple[str, str]],
    environ: Mapping[str, str],
    working_folder: Path,
    *,
    machine: Machine | None = None,
    strict: bool = True,
) -> Settings:
    """The settings in force: defaults, then the file, then the overrides (`-E`, in order).

    `strict=False` (`--strict.perms=false`) leaves the file's owner and mode unchecked. Reads the settings file,
    credentials that it names, and facts of this machine; makes nothing, opens no network, takes no lock.
    Raises SettingsError with every problem.
    """
    machine = machine or this_machine()
    draft, file = _drafted(config, overrides, environ, working_folder, machine.user_id, strict=strict)
    sink = checks.choose_sink(draft, None if file is None else Origin(str(file)))
    acceptors, workers = count_processes(draft.values, machine, sink)
    data, data_origin = _data_folder(draft, environ, working_folder)
    checks.check_server(draft)
    auth_parts.check_auth(draft)
    checks.check_monitoring(draft)
    checks.check_browsers(draft)
    checks.check_features(draft)
    checks.check_clients(draft)
    if sink == "elasticsearch":
        checks.check_elasticsearch(draft, environ)
    checks.check_processes(draft, sink, workers)
    checks.check_places(draft, data)
    if draft.problems:
        raise SettingsError(draft.problems, [*draft.alarms, *draft.warnings])
    tls = draft.is_on(tls_section.SWITCH)
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Settings(
        values=draft.values,
        origins=draft.origins,
        machine=machine,
        sink_name=sink,
        source=file,
        path_data=Path(data),
        runtime_folder=Path(runtime) if runtime else None,
        acceptors=acceptors,
        workers=workers,
        tls=tls,
        warnings=tuple(draft.warnings),
        alarms=tuple(draft.alarms),
        ignored={key: fate for key, _, fate in draft.against_fate() if isinstance(fate, Warned)},
        placed=worked_out(draft.values, acceptors, workers, (in_words("text", data), data_origin), tls=tls),
    )


def find_data_folder(
    config: Path | None, overrides: Sequence[tuple[str, str]], environ: Mapping[str, str], working_folder: Path
) -> Path:
    """`path.data` alone, whatever else may be wrong with the settings: for a command that speaks with a running instance, and
    has neither its environment nor its credentials. Raises SettingsError where the file or that key cannot be read."""
    draft, _ = _drafted(config, overrides, environ, working_folder, this_machine().user_id, strict=False)
    folder, origin = _data_folder(draft, environ, working_folder)
    wrong = [problem for problem in draft.problems if problem.key in (paths.DATA.key, paths.HOME.key)]
    if wrong or not folder:
        raise SettingsError(wrong or [Problem(paths.DATA.key, "there is no folder for data", origin)])
    return Path(folder)


def _drafted(
    config: Path | None,
    overrides: Sequence[tuple[str, str]],
    environ: Mapping[str, str],
    working_folder: Path,
    user_id: int,
    *,
    strict: bool,
) -> tuple[Draft, Path | None]:
    """What was given, and the file. Raises SettingsError for a file that cannot be read at all."""
    over, problems = _overrides(overrides)
    config_folder = next((leaf.text for key, leaf in reversed(over) if key == paths.CONFIG.key), "")
    file = find_file(config, working_folder, config_folder)
    given: dict[str, Leaf] | None = {}
    if file is not None:
        given, found = _file(file, user_id, strict=strict and strict_permissions(environ))
        problems += found
    draft = _settle(given or {}, over, environ)
    draft.problems[:0] = problems
    if given is None:  # what else is wrong could only be guessed from half of the settings
        raise SettingsError(draft.problems)
    return draft, file


def _overrides(overrides: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, Leaf]], list[Problem]]:
    leaves: list[tuple[str, Leaf]] = []
    problems: list[Problem] = []
    for key, text in overrides:
        try:
            leaf = read_value(text, COMMAND_LINE)
        except ValueError as error:
            problems.append(Problem(key, str(error), COMMAND_LINE))
            continue
        for inner, value in flat(key, leaf):
            if all(inner.split(".")):
                leaves.append((inner, value))
            else:
                problems.append(Problem(inner, "a part of the key is empty", COMMAND_LINE))
    return leaves, problems


def _file(file: Path, user_id: int, *, strict: bool) -> tuple[dict[str, Leaf] | None, list[Problem]]:
    """What the file says, None where it cannot be read, and what is wrong with it."""
    text, problems = read_file(file, user_id, strict=strict)
    if text is None:
        return None, problems
    leaves, malformed = read_yaml(text, str(file))
    given, mistakes = gather(leaves)
    return None if malformed and not leaves else given, [*problems, *malformed, *mistakes]


def _settle(given: Mapping[str, Leaf], over: Sequence[tuple[str, Leaf]], environ: Mapping[str, str]) -> Draft:
    table = dict(given)
    for key, leaf in over:
        override(table, key, leaf)
    return Draft(table, named_sources(environ))


def _data_folder(draft: Draft, environ: Mapping[str, str], working_folder: Path) -> tuple[str, Origin]:
    if named := draft.values[paths.DATA]:
        return str(working_folder / named), draft.origin(SETTINGS[paths.DATA.key])
    folder, place = default_data_folder(environ, draft.values[paths.HOME])
    return str(working_folder / folder) if folder else "", Origin(place)
