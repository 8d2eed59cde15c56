"""The generated pages: `docs/settings.md` (what each key does) and `docs/migrating.md` (what becomes of the original's keys)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

from tidegate.daemon.settings import table
from tidegate.daemon.settings.declare import Fate, Honoured, Section, Setting, Warned
from tidegate.daemon.settings.shown import in_words

_OWN = ("tidegate.", "output.local.")
_COMMAND = "python -m tidegate.daemon.settings.reference docs"
_GENERATED = f"<!-- Generated from the declarations in daemon/settings by `{_COMMAND}`; do not edit. -->"

_SETTINGS_HEAD = """# Settings

Every key that has an effect. Settings are read from the first of these that exists, and from nowhere else:
the file of `-c FILE`, `./tidegate.yml`, `/etc/tidegate/tidegate.yml`. `-E key=value` (repeatable) overrides the file.
With no file and no output given with `-E`, events go to the local store, on 127.0.0.1:8200.

Keys may be nested or dotted (`apm-server: {host: …}` is `apm-server.host: …`). Durations are `1m30s`, `500ms`, `7d`, or a
number of seconds; sizes are `64MiB`, `100KB` (thousands), or a number of bytes. `${NAME}`, `${NAME:default}` and
`${NAME:?message}` stand for systemd credentials (`LoadCredential=`) and environment variables; write `$$` for a dollar sign.
The value of `-E` is read as the original reads it: `t`, `on` and `true` are true, `0123` is 83, `a,b` and `[a, b]` are lists,
`{k: v}` is a map; a text that must stay as it is goes into quotes: `-E 'key="0123"'`. In files, texts stay as they are written.

*reload*: a changed value takes effect with `tidegate reload` or SIGHUP, and no connection is lost. *restart*: a reload names the
key and leaves it as it is. What becomes of the original's other keys stands in [migrating.md](migrating.md).
"""

_MIGRATING_HEAD = """# From Elastic APM Server to Tidegate, and back

Tidegate reads the original's settings file. Try yours beside the original, on a port and with a data folder of its own:

```sh
tidegate run -c /etc/apm-server/apm-server.yml -E apm-server.host=127.0.0.1:18200 -E path.data=/tmp/tidegate-trial
```

Its first lines tell every key that is refused (it then ends with exit code 78 and has listened nowhere) or has no effect.
Then stop the original, start Tidegate on the same port with the same file, and point nothing anew: but for what is missing
today, agents, paths, answers, data streams and documents are the same.

What differs:

- **Secrets.** The original's keystore is not read. Give each value that the file names as `${NAME}` as an environment
  variable, or as a systemd credential (`LoadCredential=NAME:/path/to/file`).
- **Values in files** stay as they are written where a text is wanted: a password `0123` is `0123`, not `83`. Variables, too.
- **Events survive.** What is answered 202 is on disk, in `path.data`. Retries have no limit but the spool's size.
- **Unknown keys** below `apm-server.` are told at the start, with the name that was probably meant; the original is silent.

## What is missing today

{missing}

## How to go back

Stop Tidegate once its spool is empty (`path.data`/spool; while Elasticsearch can be reached that takes seconds), and start the
original with the same file: keys below `tidegate.` and `output.local.` do not disturb it, but remove `output.local`, which
is an output that it does not know. Nothing in Elasticsearch needs to be changed: the data streams are the same.

## Every key of the original

*honoured*: does what the original's does. *no effect*: read and checked, and a start with a value that differs from the
default warns. *refused*: a start error, as ignoring the key would lose data or safety.
"""


class ReferenceRow(NamedTuple):
    """A setting with an effect."""

    key: str
    kind: str
    default: str
    applies: str
    help: str


class MigratingRow(NamedTuple):
    """A key of the original (`prefix.*` for all others below it) and what becomes of it."""

    key: str
    fate: str
    consequence: str


def reference() -> Iterator[tuple[Section, list[ReferenceRow]]]:
    """The settings that are honoured, by section."""
    for section in table.SECTIONS:
        rows = [
            ReferenceRow(setting.key, setting.kind.name, _default(setting), setting.applies.value, setting.help)
            for setting in section.settings
            if isinstance(setting.fate, Honoured)
        ]
        if rows:
            yield section, rows


def migrating() -> Iterator[MigratingRow]:
    """Every key of the original, in the order of the sections."""
    for section in table.SECTIONS:
        for setting in section.settings:
            if not setting.key.startswith(_OWN):
                yield MigratingRow(setting.key, *_fate(setting.fate, setting.help))
        for group in section.groups:
            key = f"{group.prefix}.*" if table.is_section(group.prefix) else group.prefix
            yield MigratingRow(key, *_fate(group.fate, group.help))


def settings_page() -> str:
    """The text of docs/settings.md."""
    parts = [_SETTINGS_HEAD]
    for section, rows in reference():
        parts.append(f"## {section.title}\n\n{section.introduction}\n")
        parts.append(
            _table(("Key", "Value", "Default", "Takes effect", ""), [(f"`{row.key}`", *row[1:]) for row in rows])
        )
    return _page(parts)


def migrating_page() -> str:
    """The text of docs/migrating.md."""
    missing: dict[str, list[str]] = {}
    for section in table.SECTIONS:
        for setting in section.settings:
            if not isinstance(setting.fate, Honoured) and setting.gate is None:
                missing.setdefault(_fate(setting.fate, "")[1], []).append(setting.key)
    lines = [f"- {text}: {_common(keys)}." for text, keys in missing.items()]
    rows = [
        (", ".join(f"`{row.key}`" for row in alike), fate, consequence)
        for (fate, consequence), alike in groupby(migrating(), key=lambda row: (row.fate, row.consequence))
    ]
    return _page([_MIGRATING_HEAD.replace("{missing}", "\n".join(lines)), _table(("Key", "Fate", ""), rows)])


def _common(keys: list[str]) -> str:
    """The keys, or `prefix.*` for more than three."""
    if len(keys) < 4:
        return ", ".join(f"`{key}`" for key in keys)
    alike = [
        words[0]
        for words in takewhile(lambda words: len(set(words)) == 1, zip(*(key.split(".") for key in keys), strict=False))
    ]
    return f"`{'.'.join((*alike, '*'))}`"


def _fate(fate: Fate, meaning: str) -> tuple[str, str]:
    if isinstance(fate, Honoured):
        return "honoured", meaning
    if isinstance(fate, Warned):
        return "no effect", fate.consequence
    return "refused", fate.why


def _default(setting: Setting[object]) -> str:
    if setting.shown_default:
        return setting.shown_default
    words = in_words(setting.kind.name, setting.default)
    return f"`{words}`" if words else "none"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    # a bar would end the cell
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _page(parts: list[str]) -> str:
    return "\n".join([_GENERATED, "", *parts])


if __name__ == "__main__":
    import sys
    from pathlib import Path

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    (folder / "settings.md").write_text(settings_page(), encoding="utf-8")
    (folder / "migrating.md").write_text(migrating_page(), encoding="utf-8")
