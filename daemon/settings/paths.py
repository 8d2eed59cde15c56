"""`path.*`, the process and the keystore (http-surface.md 7.4)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Section, Warned

SECTION = Section("Paths and process", "Where things are.")

HOME = SECTION.setting(
    "path.home", kinds.text, "", "Where given, data lies in its folder `data` unless `path.data` says otherwise."
)
CONFIG = SECTION.setting(
    "path.config", kinds.text, "", "Folder in which a relative `-c FILE` is looked for when it is not here."
)
DATA = SECTION.setting(
    "path.data",
    kinds.text,
    "",
    "Folder for the spool, the local store and what else must survive a restart.",
    shown_default="`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/tidegate`, else `~/.local/state/tidegate`",
)
LOGS = SECTION.setting(
    "path.logs",
    kinds.text,
    "",
    "Folder for log files (`logging.to_files`).",
    shown_default="`logs` in `path.home` where that is given, else in `path.data`",
)
MAX_PROCS = SECTION.setting(
    "max_procs", kinds.integer(), 0, "Cores that `auto` counts on. 0: all that this process may use."
)
SECTION.setting(
    "gc_percent",
    kinds.integer(-1),
    100,
    "Go's garbage collector.",
    fate=Warned("there is no such collector here"),
)
SECTION.setting(
    "name",
    kinds.text,
    "",
    "Name in stack monitoring.",
    fate=Warned("only stack monitoring shows it, which is not built"),
    shown_default="the host's name",
)
SECTION.setting(
    "keystore.path",
    kinds.text,
    "",
    "The original's store of secrets.",
    fate=Warned(
        "the original's keystore is not read: hand each value over as an environment variable or as a systemd "
        "credential, under the same name"
    ),
)
