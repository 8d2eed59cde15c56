"""What is written into `sourcemap.error`, word for word as the original does (http-surface.md 5.5). Pure."""

from __future__ import annotations

from tidegate.workers.store.source_maps import MapKey, MapsUnavailable

_UNAVAILABLE = "fetcher unavailable"
TIMED_OUT = f"failed to reach elasticsearch: {_UNAVAILABLE}: context deadline exceeded "
"""The map did not come in time."""
TIMED_OUT_EARLY = f"metadata fetcher is not ready: {_UNAVAILABLE}"
"""Which maps there are was not known in time."""
_SETTLED = (401, 403, 404)
"""Answers with which the original takes the store for unavailable."""


def not_stored_text(service: str, version: str, path: str) -> str:
    """There is no map for the frame."""
    return f"unable to find sourcemap.url for service.name={service} service.version={version} bundle.path={path}"


def gone_text(key: MapKey) -> str:
    """The map was there when the store was last looked through."""
    return (
        f"unable to find sourcemap for service.name={key.service} service.version={key.version} bundle.path={key.path}"
    )


def listing_text(problem: MapsUnavailable) -> str:
    """Which maps there are could never be read."""
    if problem.status:
        return f"failed to populate sourcemap metadata: {_answered(problem)}"
    return f"failed to populate sourcemap metadata: failed to run initial search query: {_UNAVAILABLE}: {problem}"


def content_text(problem: MapsUnavailable) -> str:
    """The map could not be read."""
    if problem.status:
        return _answered(problem)
    return f"failed to reach elasticsearch: {_UNAVAILABLE}: {problem} "


def _answered(problem: MapsUnavailable) -> str:
    if problem.status in _SETTLED:
        return f"{_UNAVAILABLE}: {problem.status} {problem.phrase}: {problem.answer}"
    return f"ES returned unknown status code: {problem.status} {problem.phrase}"
