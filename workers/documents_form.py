"""The last known answer of the cluster to which form of documents it needs (`tidegate.documents: auto`).

It is kept under `path.data`, since events are accepted before Elasticsearch can be asked.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Literal

Form = Literal["raw", "complete"]

log = logging.getLogger("tidegate.worker")


def load_form(file: Path) -> Form:
    """The form noted in the file; raw until an answer is known."""
    try:
        noted = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "raw"
    return "complete" if isinstance(noted, dict) and noted.get("form") == "complete" else "raw"


def save_form(file: Path, form: Form) -> None:
    """Notes the answer. A failure is logged: the cluster is asked again at the next start."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps({"form": form}) + "\n", encoding="utf-8")
        fresh.replace(file)
    except OSError as problem:
        log.warning("the form of documents that the cluster needs could not be noted in %s: %s", file, problem.strerror)
