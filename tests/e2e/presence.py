"""Where the things are that tests need from outside the tree, and what happens when one is absent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def absent(what: str) -> NoReturn:
    """Something that a test needs is not on this machine: a loud skip for a person, a failure for CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed in CI and absent: {what}", pytrace=False)
    pytest.skip(f"NOT RUN, absent: {what}")


def shared_folder() -> Path | None:
    """The folder with specification, cases and corpus, or None: `TIDEGATE_SHARED`, else beside the checkout."""
    folder = Path(os.environ.get("TIDEGATE_SHARED") or CHECKOUT.parent / "shared").resolve()
    return folder if (folder / "tools").is_dir() else None
