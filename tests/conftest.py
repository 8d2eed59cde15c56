"""What all tests share: they run this checkout's code and no other, and they know where `../shared` is."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from e2e.presence import CHECKOUT, absent, shared_folder


def pytest_configure(config: pytest.Config) -> None:
    """Ends the run when `import tidegate` would test another checkout, or an installed copy that no edit reaches."""
    try:
        import tidegate.daemon
    except ImportError as problem:
        raise pytest.UsageError(f"tidegate is not installed: pip install -e '.[test]' in {CHECKOUT}") from problem
    found = Path(tidegate.daemon.__file__).resolve()
    if not found.is_relative_to(CHECKOUT):
        raise pytest.UsageError(f"these tests are of {CHECKOUT}, but tidegate.daemon is {found}: pip install -e it")
    # How long an example takes says more about the machine's other work than about ours.
    hypothesis.settings.register_profile("tidegate", deadline=None)
    hypothesis.settings.load_profile("tidegate")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the tree under test."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `../shared`."""
    folder = shared_folder()
    if folder is None:
        absent("the folder ../shared (or TIDEGATE_SHARED)")
    return folder
