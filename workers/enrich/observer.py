"""Observer: intake-to-documents.md 5.1, row 9."""

from __future__ import annotations

from typing import Any

from tidegate.daemon.wire.frames import RequestBase


def add_observer(document: dict[str, Any], base: RequestBase) -> None:
    """Says which server took the event. The type is the original's, by which Kibana knows APM documents."""
    observer = {"hostname": base.observer_hostname, "type": "apm-server", "version": base.observer_version}
    document["observer"] = {name: value for name, value in observer.items() if value}
