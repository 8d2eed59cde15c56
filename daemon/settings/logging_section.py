"""`logging.*` (http-surface.md 7.4)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Applies, Gate, Section, Warned
from tidegate.daemon.settings.kinds import Kind, Unfit
from tidegate.daemon.settings.leaves import Leaf

SECTION = Section(
    "Logging",
    "Logs go to standard error; under systemd that is the journal. Files are written only where `logging.to_files: true` "
    "is given. What stands in the lines: [logging.md](logging.md).",
)

_ONLY_STDERR = Warned("logs go to standard error, or to files with `logging.to_files: true`")
_NO_SELECTORS = Warned("selectors name parts of the original's program: at level debug everything is logged")
_NO_METRICS = Warned("no metrics are logged at intervals")
_FILES = Gate("logging.to_files", on_by_section=False)
_METRICS = Gate("logging.metrics.enabled", on_by_section=False)


def _mode(leaf: Leaf) -> str:
    """As octal digits. A value given with `-E` has been read as octal already: `0600` comes as the number 384."""
    text = kinds.text.read(leaf).strip()
    try:
        mode = int(text, 8 if text.startswith("0") else 10)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777 or mode & 0o600 != 0o600:
        raise Unfit("wants a mode of files such as 0600 or 0640, which lets their owner read and write")
    return f"{mode:04o}"


def _file_name(leaf: Leaf) -> str:
    name = kinds.text.read(leaf)
    if not name or len(name) > 100 or any(character in name for character in "/\0"):
        raise Unfit("wants the beginning of a file's name, without a slash (the folder is `logging.files.path`)")
    return name


LEVEL = SECTION.setting(
    "logging.level",
    kinds.choice("error", "warning", "info", "debug"),
    "info",
    "Lowest level that is logged. `debug` may show contents of events in what is said of defects; the others never do.",
    applies=Applies.RELOAD,
)
SECTION.setting("logging.selectors", kinds.texts, (), "Parts to log at level debug.", fate=_NO_SELECTORS)
TO_FILES = SECTION.setting(
    "logging.to_files",
    kinds.boolean,
    False,
    "Whether logs go to files instead of standard error. (The original's default is true.)",
)
TO_STDERR = SECTION.setting(
    "logging.to_stderr",
    kinds.boolean,
    False,
    "Whether logs go to standard error although `logging.to_files` is true. Without either they go there, too.",
)
SECTION.setting("logging.to_syslog", kinds.boolean, False, "Whether logs go to syslog.", fate=_ONLY_STDERR)
FILES_PATH = SECTION.setting(
    "logging.files.path",
    kinds.text,
    "",
    "Folder of the log files.",
    gate=_FILES,
    shown_default="`path.logs`",
)
FILES_NAME = SECTION.setting(
    "logging.files.name",
    Kind("text", _file_name),
    "tidegate",
    "What their names begin with: each process writes its own, such as `tidegate-worker-1.ndjson`. (The original's default "
    "is `apm-server`; it would delete such files in a folder that both use.)",
    gate=_FILES,
)
FILES_ROTATE_BYTES = SECTION.setting(
    "logging.files.rotateeverybytes",
    kinds.integer(1),
    10_485_760,
    "Bytes of a log file after which a new one is begun; the old one gets `.1` behind its name.",
    gate=_FILES,
)
FILES_KEEP = SECTION.setting(
    "logging.files.keepfiles",
    kinds.integer(1, 1024),
    7,
    "Old log files that are kept, for each process.",
    gate=_FILES,
)
FILES_PERMISSIONS = SECTION.setting(
    "logging.files.permissions",
    Kind("octal mode", _mode),
    "0600",
    "Mode of log files. A folder that is made for them lets the same users in.",
    gate=_FILES,
)
FILES_INTERVAL = SECTION.setting(
    "logging.files.interval",
    kinds.duration(),
    0.0,
    "Time after which a new log file is begun, besides its size; 0: never. `1m`, `1h`, `24h`, `168h`, `720h`, `8760h` follow "
    "the calendar, others count from 1970.",
    gate=_FILES,
)
FILES_ROTATE_ON_START = SECTION.setting(
    "logging.files.rotateonstartup", kinds.boolean, True, "Whether each start begins new log files.", gate=_FILES
)
SECTION.setting(
    "logging.files.redirect_stderr",
    kinds.boolean,
    False,
    "Whether panics go to the files, too.",
    fate=Warned(
        "defects of Tidegate are logged as all else is; what the interpreter itself says goes to standard error"
    ),
    gate=_FILES,
)
SECTION.setting(
    "logging.metrics.enabled",
    kinds.boolean,
    False,
    "Whether counters are logged. (The original's default is true.)",
    fate=_NO_METRICS,
)
SECTION.setting("logging.metrics.period", kinds.duration(), 30.0, "How often.", fate=_NO_METRICS, gate=_METRICS)
SECTION.group(
    "logging",
    "Further keys, such as `logging.json` and `logging.ecs`.",
    Warned("see `tidegate.logging.format` for the form of logs"),
)
