"""Tidegate as several versions of it would be installed: the files of the wheel (test_packaging compares these with the tree)
in a virtual environment of their own, with another version number, and perhaps a newer format of the spool."""

from __future__ import annotations

import re
import shutil
import sys
import venv
from pathlib import Path

from test_architecture import CHECKOUT, declared_packages

SCRIPT = "#!{python}\nimport sys\nfrom tidegate.cli.main import main\nsys.exit(main())\n"


class Installation:
    """A virtual environment; `install` may be called again, over what is there, as an upgrade does it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        python = folder / "bin" / "python"
        self._library = next(folder.glob("lib/python3*/site-packages"))
        # What Tidegate depends on comes from the environment of the tests; paths alone, so none of its own installations.
        others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
        (self._library / "others.pth").write_text("\n".join(others) + "\n")
        self.command = folder / "bin" / "tidegate"
        self.command.write_text(SCRIPT.format(python=python))
        self.command.chmod(0o755)

    def install(self, version: str, *, spool_format: int | None = None) -> None:
        """Replaces what is installed."""
        root = self._library / "tidegate"
        shutil.rmtree(root, ignore_errors=True)
        for source in declared_packages().values():
            target = root / source
            target.mkdir(parents=True)
            for file in (CHECKOUT / source).iterdir():
                if file.is_file() or file.name == "data":
                    (shutil.copytree if file.is_dir() else shutil.copy2)(file, target / file.name)
        self._rewrite("daemon/__init__.py", r'__version__ = ".*"', f'__version__ = "{version}"')
        if spool_format is not None:
            self._rewrite("workers/spool/segment.py", r"^FORMAT_VERSION = \d+", f"FORMAT_VERSION = {spool_format}")

    def _rewrite(self, name: str, pattern: str, text: str) -> None:
        file = self._library / "tidegate" / name
        content, count = re.subn(pattern, text, file.read_text(), flags=re.MULTILINE)
        assert count == 1, f"{name} has no {pattern}"
        file.write_text(content)
