"""What `tidegate setup` does to a cluster: apply or remove templates, create a key. Prints as it goes."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from tidegate.cli.setup_cluster import Cluster, SetupFailed
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.setup.abilities import ALL, Abilities, abilities_of
from tidegate.workers.setup.existing import TEMPLATES_PATH, Found, found_templates, kept_periods
from tidegate.workers.setup.plan import (
    DATA_STREAMS_PATH,
    Deed,
    Step,
    completes_nothing,
    plan_removal,
    plan_retention,
    plan_setup,
)
from tidegate.workers.setup.roles import create_api_key, has_privileges, lacking
from tidegate.workers.setup.templates import Request, all_templates
from tidegate.workers.sinks.cluster_form import FORM_PATH, Form, form_of

_DONE = {
    Deed.CREATE: "created",
    Deed.UPDATE: "updated",
    Deed.REMOVE: "removed",
    Deed.KEEP: "unchanged",
    Deed.LEAVE: "left to the cluster's own",
    Deed.BLOCKED: "blocked",
}
_WORD = len("would create")
"""Columns of what becomes of a template."""
_NO_SUCH_API = (400, 404, 405)
"""Answers of distributions that cannot be asked."""


def apply(cluster: Cluster, settings: Settings, periods: Mapping[str, str], *, dry: bool) -> int:
    """Creates and updates the templates that the cluster lacks; returns the exit code. Raises SetupFailed."""
    abilities, form = _look(cluster)
    found = found_templates(cluster.need(Request("GET", TEMPLATES_PATH)))
    wanted = all_templates(abilities, periods, kept_periods(found))
    namespace = settings.acceptor_part().namespace
    steps = plan_setup(found, wanted, namespace)
    code = _carry_out(cluster, steps, dry=dry)
    if periods:
        _retain(cluster, periods, abilities, dry=dry)
    if any(step.deed is Deed.UPDATE for step in steps):
        print("data streams that are there take up new mappings and settings when they next roll over")
    if not abilities.lifecycle:
        print(
            "warning: this Elasticsearch is older than 8.11 and deletes nothing by age: attach a lifecycle policy yourself"
        )
    after = found if dry else found_templates(cluster.need(Request("GET", TEMPLATES_PATH)))
    for advice in advise(after, namespace, abilities, form, str(settings.worker_part(0).documents)):
        print(f"warning: {advice}")
    return code


def _look(cluster: Cluster) -> tuple[Abilities, Form | None]:
    """What the cluster can do, and which form of documents the daemon will choose for it."""
    status, answer = cluster.ask(Request("GET", FORM_PATH))
    if status in (401, 403) or status >= 500:
        cluster.need(Request("GET", FORM_PATH))
    if status != 200:  # a cluster that hides its nodes
        return ALL, None
    return abilities_of(answer), form_of(200, json.dumps(answer).encode())


def _carry_out(cluster: Cluster, steps: Sequence[Step], *, dry: bool) -> int:
    """Does each step and tells it; one that fails does not keep the others from being tried."""
    counts: Counter[Deed] = Counter()
    failed = 0
    width = max((len(step.template) for step in steps), default=0)
    for step in steps:
        counts[step.deed] += 1
        word = f"would {step.deed.value}" if dry and step.request else step.deed.value
        print(
            f"{word:<{_WORD}} {step.template:<{width}}  {step.pattern}"
            + (f"  ({safe(step.because)})" if step.because else "")
        )
        if step.request and not dry:
            try:
                cluster.need(step.request)
            except SetupFailed as problem:
                failed += 1
                counts[step.deed] -= 1
                print(f"  failed: {safe(str(problem))}", flush=True)
    changes = counts[Deed.CREATE] + counts[Deed.UPDATE] + counts[Deed.REMOVE]
    told = ", ".join(f"{number} {_DONE[deed]}" for deed, number in counts.items() if number)
    if failed:
        told = ", ".join(filter(None, (told, f"{failed} failed")))
    if dry:
        print(f"dry run: nothing was changed; {changes} would be")
    else:
        print(f"{'nothing changed' if not changes else 'done'}: {told or 'no template is ours'}")
    return EXIT_FAILURE if failed or counts[Deed.BLOCKED] else EXIT_OK


def _retain(cluster: Cluster, periods: Mapping[str, str], abilities: Abilities, *, dry: bool) -> None:
    """Tells the data streams that are there, too, how long to keep documents. Raises SetupFailed."""
    status, answer = cluster.ask(Request("GET", DATA_STREAMS_PATH))
    if status in _NO_SUCH_API or not abilities.lifecycle:
        print("data streams that are there keep their retention: this Elasticsearch cannot be asked for them")
        return
    if status != 200:
        cluster.need(Request("GET", DATA_STREAMS_PATH))
    for stream in plan_retention(answer, periods):
        print(f"{'would retain' if dry else 'retain':<{_WORD}} {stream.name}  {stream.period}")
        if not dry:
            cluster.need(stream.request)


def advise(
    found: Sequence[Found], namespace: str, abilities: Abilities, form: Form | None, documents: str
) -> list[str]:
    """What the daemon's settings should say about the form of documents, where they would be wrong."""
    ours = completes_nothing(found, namespace)
    if ours and (documents == "raw" or (documents == "auto" and form != "complete")):
        why = "has Elastic's APM module, but not its templates" if abilities.apm_data else "does not complete documents"
        return [f"this cluster {why}: set `tidegate.documents: complete`, or Kibana shows no durations"]
    if not ours and abilities.apm_data and documents == "complete":
        return [
            "this cluster completes documents itself: remove `tidegate.documents: complete`, or durations are shown as 0"
        ]
    return []


def remove(cluster: Cluster, *, dry: bool) -> int:
    """Removes the templates that are ours; returns the exit code. Raises SetupFailed."""
    found = found_templates(cluster.need(Request("GET", TEMPLATES_PATH)))
    code = _carry_out(cluster, plan_removal(found), dry=dry)
    print("data streams and the events in them stay")
    if code != EXIT_OK:
        print(
            "a template stays while a data stream needs it: either others take over (of a higher priority), or the"
            " data stream goes first (DELETE /_data_stream/NAME deletes its events)"
        )
    return code


def create_key(cluster: Cluster, part: ElasticsearchPart, name: str, *, dry: bool) -> int:
    """Creates an API key and prints it as `id:key`, alone on stdout; returns the exit code. Raises SetupFailed."""
    request = create_api_key(name)
    if dry:
        print(json.dumps(request._asdict(), indent=2))
        return EXIT_OK
    answer = cluster.need(request)
    if not isinstance(answer, dict) or not answer.get("id") or not answer.get("api_key"):
        raise SetupFailed("Elasticsearch's answer holds no API key")
    key = f"{answer['id']}:{answer['api_key']}"
    print(key, flush=True)
    print(
        "put it where `output.elasticsearch.api_key` reads it, such as ${ELASTICSEARCH_API_KEY}; it is not shown again."
        f" To revoke it: DELETE /_security/api_key with the body {json.dumps({'ids': [answer['id']]})}",
        file=sys.stderr,
    )
    if missing := _missing_rights(part, key):
        print(
            f"warning: the key is weaker than it should be, as whoever creates it may not do this either: {', '.join(missing)}",
            file=sys.stderr,
        )
        return EXIT_FAILURE
    return EXIT_OK


def _missing_rights(part: ElasticsearchPart, key: str) -> list[str]:
    as_key = Cluster(replace(part, username="", password="", api_key=key))
    try:
        answer: Any = as_key.need(has_privileges())
    finally:
        as_key.close()
    return [safe(one) for one in lacking(answer)]
