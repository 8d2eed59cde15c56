"""What one setting cannot know alone: rules between settings, each with the original's words where it has some."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tidegate.daemon.settings import (
    agent_config,
    auth,
    auth_parts,
    intake_tls,
    monitoring,
    output,
    paths,
    processing,
    rum,
    server,
    tidegate_section,
)
from tidegate.daemon.settings.address import ListenAddress
from tidegate.daemon.settings.client import Client
from tidegate.daemon.settings.declare import Setting
from tidegate.daemon.settings.draft import Draft
from tidegate.daemon.settings.elasticsearch_target import LEAST_COMPRESSED_FLUSH, client_target, target
from tidegate.daemon.settings.origin_patterns import read_origin_pattern
from tidegate.daemon.settings.problems import Origin, Problem

_NAMESPACE = re.compile(r'[^-\\/*?"<>|\s,#:A-Z]{1,100}')
"""Elasticsearch takes no other: a data stream's name is lower case, its parts hold no hyphen, 100 bytes are enough."""
LEAST_SPOOL_SHARE = 4 << 20
"""Bytes of spool for each worker: four of the smallest segments."""


def choose_sink(draft: Draft, file: Origin | None) -> str:
    """`elasticsearch` or `local`; empty with a problem where none, another, or more than one is chosen."""
    on, named = draft.outputs()
    if draft.values[output.CLOUD_ID] and "elasticsearch" not in named:
        on.append("elasticsearch")
    if len(on) > 1:
        text = f"more than one namespace configured: {', '.join(on)}. Leave one, or set `enabled: false` on the others"
        draft.problems.append(Problem("output", text, _place(draft, on)))
        return ""
    if on:
        return on[0] if on[0] in ("elasticsearch", "local") else ""
    if file is None and not named:
        return "local"
    text = (
        "no output defined, please define one under the output section: `output.elasticsearch.hosts` for "
        "Elasticsearch, or `output.local.enabled: true` for the local store"
    )
    draft.problems.append(Problem("output", text, file or Origin("-E")))
    return ""


def _place(draft: Draft, outputs: list[str]) -> Origin:
    begins = tuple(f"output.{name}." for name in outputs)
    return next((origin for key, origin in draft.origins.items() if key.startswith(begins)), Origin("default"))


def check_server(draft: Draft) -> None:
    """Namespace, TLS towards agents, and what leaves the port open."""
    for setting in (server.NAMESPACE, server.ROOT_NAMESPACE):
        if draft.values[setting] and not _NAMESPACE.fullmatch(draft.values[setting]):
            draft.problem(
                setting,
                "Elasticsearch would refuse every document: a namespace has lower-case letters, no hyphen, space or "
                'any of \\ / * ? " < > | , # :, and at most 100 characters',
            )
    intake_tls.check(draft)
    if auth.SECRET_TOKEN in draft.values and not draft.values[auth.SECRET_TOKEN]:
        draft.alarms.append(
            f"{draft.origin(auth.SECRET_TOKEN)}: {auth.SECRET_TOKEN.key}: is empty: it protects nothing"
        )
    if not draft.values[server.HOST].is_loopback() and not auth_parts.is_protected(draft.values):
        draft.alarms.append(
            f"{draft.origin(server.HOST)}: {server.HOST.key}: there is no authentication on "
            f"{draft.values[server.HOST]}: whoever can reach this port may send"
        )


def check_monitoring(draft: Draft) -> None:
    """The original's monitoring endpoint, which asks for no credentials."""
    if not draft.values[monitoring.HTTP_ENABLED]:
        return
    host = draft.values[monitoring.HTTP_HOST]
    if "/" in host or not host:
        draft.problem(monitoring.HTTP_HOST, "wants a name or an address of this machine, such as localhost")
    elif not ListenAddress(host, 0).is_loopback():
        draft.alarms.append(
            f"{draft.origin(monitoring.HTTP_HOST)}: {monitoring.HTTP_HOST.key}: whoever can reach {host} may read how many events "
            "come in and what fails; localhost is for this machine alone"
        )


def check_browsers(draft: Draft) -> None:
    """Origins of pages: patterns that could never fit, and those that let everybody in."""
    origins = draft.values[rum.ALLOW_ORIGINS]
    if auth_parts.matches_hosts(draft.values) and any(read_origin_pattern(one) is None for one in origins):
        draft.problem(
            rum.ALLOW_ORIGINS,
            f"where hosts are compared (`{rum.MATCH_ORIGINS.key}`, or the profile `public`) wants origins such as "
            "https://shop.example, https://*.shop.example, http://localhost:* or *",
        )
    if not draft.values[rum.ENABLED] or "*" not in origins:
        return
    if auth_parts.is_public(draft.values):
        draft.problem(
            rum.ALLOW_ORIGINS, "the profile `public` lets in only pages of origins that are named here, and not `*`"
        )
    else:
        draft.warnings.append(
            f"{draft.origin(rum.ALLOW_ORIGINS)}: {rum.ALLOW_ORIGINS.key}: pages of every origin may send; name those of "
            "yours"
        )


def check_clients(draft: Draft) -> None:
    """Hosts, credentials and TLS of the clients that inherit those of the output."""
    _check_client(draft, agent_config.ELASTICSEARCH)
    if draft.values[auth.API_KEY_ENABLED]:
        _check_client(draft, auth.API_KEY_ELASTICSEARCH)
    if draft.values[rum.ENABLED]:
        _check_client(draft, rum.SOURCE_MAPPING_ELASTICSEARCH)


def _check_client(draft: Draft, client: Client) -> None:
    values = draft.values
    if any(setting in values for setting in (client.hosts, client.protocol, client.path)):
        try:
            client_target(values, client)
        except ValueError as error:
            draft.problem(client.hosts, str(error))
    if values[client.api_key] and ":" not in values[client.api_key]:
        draft.problem(client.api_key, "wants `id:key`; what Kibana shows as `encoded` is base64 of that")
    if bool(values[client.certificate]) != bool(values[client.key]):
        draft.problem(client.certificate, "certificate and key belong together: one of them is missing")
    _check_versions(draft, client.supported_protocols)


def check_features(draft: Draft) -> None:
    """Kibana's credentials and the policies of tail sampling, which the original checks at its start."""
    values = draft.values
    if values[agent_config.KIBANA_API_KEY] and (
        values[agent_config.KIBANA_USERNAME] or values[agent_config.KIBANA_PASSWORD]
    ):
        draft.problem(agent_config.KIBANA_API_KEY, "cannot set both api_key and username/password")
    if draft.is_on(processing.TAIL):
        _check_policies(draft, values[processing.TAIL_POLICIES])


def _check_policies(draft: Draft, policies: tuple[Mapping[str, str], ...]) -> None:
    if not policies:
        draft.problem(processing.TAIL_POLICIES, "no policies specified")
    elif all(set(policy) - {"sample_rate"} for policy in policies):
        draft.problem(processing.TAIL_POLICIES, "no default (empty criteria) policy specified")
    for policy in policies:
        try:
            is_rate = 0.0 <= float(policy.get("sample_rate", "0")) <= 1.0
        except ValueError:
            is_rate = False
        if not is_rate:
            draft.problem(processing.TAIL_POLICIES, "sample_rate must be a number from 0 to 1")


def check_elasticsearch(draft: Draft, environ: Mapping[str, str]) -> None:
    """Hosts, credentials and TLS of the output."""
    values = draft.values
    try:
        target(values)
    except ValueError as error:
        draft.problem(output.CLOUD_ID if values[output.CLOUD_ID] else output.HOSTS, str(error))
    if values[output.CLOUD_AUTH]:
        if not values[output.CLOUD_ID]:
            draft.problem(output.CLOUD_AUTH, "cloud.auth specified but cloud.id is empty. Please specify both")
        if ":" not in values[output.CLOUD_AUTH]:
            draft.problem(output.CLOUD_AUTH, "wants user:password")
    if values[output.API_KEY]:
        if ":" not in values[output.API_KEY]:
            draft.problem(output.API_KEY, "wants `id:key`; what Kibana shows as `encoded` is base64 of that")
        if values[output.USERNAME]:
            draft.warnings.append(
                f"{draft.origin(output.USERNAME)}: {output.USERNAME.key}: not used, as "
                f"`{output.API_KEY.key}` is given, too"
            )
    if values[output.TLS_ENABLED]:
        if bool(values[output.CERTIFICATE]) != bool(values[output.KEY]):
            draft.problem(output.CERTIFICATE, "certificate and key belong together: one of them is missing")
        _check_versions(draft, output.SUPPORTED_PROTOCOLS)
        if values[output.VERIFICATION_MODE] == "none":
            draft.warnings.append(
                f"{draft.origin(output.VERIFICATION_MODE)}: {output.VERIFICATION_MODE.key}: Elasticsearch's "
                "certificate is not checked: whoever is on the way can read and change everything"
            )
    if values[output.COMPRESSION_LEVEL] and values[output.FLUSH_BYTES] < LEAST_COMPRESSED_FLUSH:
        draft.warnings.append(
            f"{draft.origin(output.FLUSH_BYTES)}: {output.FLUSH_BYTES.key}: raised to 24 KiB, the least with "
            "compression"
        )
    proxies = [name for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy") if environ.get(name)]
    if proxies and not values[output.PROXY_DISABLE]:
        draft.warnings.append(
            f"environment {proxies[0]}: not used: Tidegate speaks with Elasticsearch without a proxy "
            f"(`{output.PROXY_DISABLE.key}: true` silences this line)"
        )


def _check_versions(draft: Draft, setting: Setting[tuple[str, ...]]) -> None:
    for version in draft.values[setting]:
        if version not in intake_tls.VERSIONS:
            draft.problem(
                setting, f"unsupported tls version: {version[:20]} (there are {', '.join(intake_tls.VERSIONS)})"
            )


def check_processes(draft: Draft, sink: str, workers: int) -> None:
    """Whether the number of workers fits the sink and the spool."""
    wanted = draft.values[tidegate_section.WORKERS]
    if sink == "local" and wanted is not None and wanted > 1:
        draft.warnings.append(
            f"{draft.origin(tidegate_section.WORKERS)}: {tidegate_section.WORKERS.key}: 1 is used, "
            "as the local store has one writer"
        )
    if draft.values[tidegate_section.SPOOL_MAX_BYTES] // workers < LEAST_SPOOL_SHARE:
        draft.problem(
            tidegate_section.SPOOL_MAX_BYTES,
            f"too small for {workers} workers: each needs 4 MiB. Raise it, or lower `{tidegate_section.WORKERS.key}`",
        )


def check_places(draft: Draft, data_folder: str) -> None:
    """Whether there is a folder for data."""
    if not data_folder or "\0" in data_folder:
        draft.problem(paths.DATA, "there is no folder for data: neither this key nor $HOME is set")
