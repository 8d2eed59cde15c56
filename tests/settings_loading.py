"""Loading settings as a test: an empty folder, an empty environment, a machine that never changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tidegate.daemon.settings.command_line import split_override
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.loader import load_settings
from tidegate.daemon.settings.machine import Machine
from tidegate.daemon.settings.problems import SettingsError

MACHINE = Machine(
    hostname="gate",
    cores=4,
    user_id=Path("/proc/self").stat().st_uid,
    terminal=False,
    build_date="2026-01-02T03:04:05Z",
)
ENVIRON = {"HOME": "/home/tide"}


class Loading:
    """`loading(text, "-E", …)`; files are written into the test's own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        text: str | None = None,
        *overrides: str,
        environ: dict[str, str] | None = None,
        machine: Machine = MACHINE,
        strict: bool = True,
    ) -> Settings:
        config = None
        if text is not None:
            config = self.folder / "given.yml"
            config.write_text(text, encoding="utf-8")
            config.chmod(0o600)
        return load_settings(
            config,
            [split_override(override) for override in overrides],
            {**ENVIRON, **(environ or {})},
            self.folder,
            machine=machine,
            strict=strict,
        )

    def refused(self, text: str | None = None, *overrides: str, environ: dict[str, str] | None = None) -> list[str]:
        """The problems, in words."""
        with pytest.raises(SettingsError) as caught:
            self(text, *overrides, environ=environ)
        return [str(problem).replace(f"{self.folder}/", "") for problem in caught.value.problems]
