"""The order of all enrichments (intake-to-documents.md 5.1), and the reason for each place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tidegate.daemon.wire.frames import RequestBase
from tidegate.workers.enrich.complete import complete_error, complete_log, complete_metric, complete_trace
from tidegate.workers.enrich.data_stream import DataStream, place_error, place_log, place_metric, place_trace
from tidegate.workers.enrich.environment import default_environment
from tidegate.workers.enrich.error_message import set_message
from tidegate.workers.enrich.grouping_key import set_grouping_key
from tidegate.workers.enrich.host_name import name_host
from tidegate.workers.enrich.observer import add_observer
from tidegate.workers.enrich.service_node import name_service_node
from tidegate.workers.enrich.stack_frames import frames_out_of_grouping, library_frames, set_culprit

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

StreamEnrichment = Callable[[dict[str, Any], RequestBase], None]
Enrichment = Callable[[dict[str, Any], "Stream"], None]
Placement = Callable[[dict[str, Any], "Stream"], DataStream]

STREAM_ENRICHMENTS: tuple[StreamEnrichment, ...] = (
    name_host,  # first: the service node may be named after the host
    name_service_node,
    default_environment,
    add_observer,
)
"""Applied once, when `mapping.stream.Stream` is built: they look only at what all events of a stream share. An event whose
own service empties what they filled goes through the second and third again (`mapping.service.complete_service`)."""


class Steps(NamedTuple):
    """What is done with a mapped document, in this order."""

    enrich: tuple[Enrichment, ...]
    place: Placement
    """After all enrichments: it needs the final names of service and agent, and may take type and unit from samples."""
    complete: Enrichment
    """At last, and only where the cluster has no pipelines of its own: they too see documents that have been placed."""


def frame_enrichments(library_pattern: str, exclude_from_grouping: str) -> tuple[Enrichment, ...]:
    """For events of browsers, before all others but source maps: the grouping key counts frames as they are after these.
    An empty pattern turns its step off. Raises PatternError."""
    enrichments: list[Enrichment] = []
    if library_pattern:
        enrichments.append(library_frames(library_pattern))
    if exclude_from_grouping:
        enrichments.append(frames_out_of_grouping(exclude_from_grouping))
    enrichments.append(set_culprit)  # after the flags: a library's frame is not to blame
    return tuple(enrichments)


_ERROR: tuple[Enrichment, ...] = (
    set_grouping_key,
    set_message,  # after the grouping key, which must not count the message at the root
)

TRACE = Steps((), place_trace, complete_trace)
ERROR = Steps(_ERROR, place_error, complete_error)
LOG = Steps(_ERROR, place_log, complete_log)  # each looks first whether the log carries an error
METRIC = Steps((), place_metric, complete_metric)
