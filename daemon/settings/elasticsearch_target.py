"""From the keys of `output.elasticsearch` and `cloud` to what a client needs: hosts, credentials, TLS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from tidegate.daemon.settings import output
from tidegate.daemon.settings.address import cloud_address, elasticsearch_address
from tidegate.daemon.settings.client import Client
from tidegate.daemon.settings.declare import Setting
from tidegate.daemon.settings.parts import TlsPart
from tidegate.daemon.settings.values import Values

T = TypeVar("T")

LEAST_COMPRESSED_FLUSH = 24 << 10
"""Bytes; below this the compressor's own blocks are larger than what is flushed (http-surface.md 7.3)."""


class Target(NamedTuple):
    """Where Elasticsearch is, and as whom to come."""

    hosts: tuple[str, ...]
    """Whole URLs without credentials."""
    username: str
    password: str
    api_key: str


def target(values: Values) -> Target:
    """Raises ValueError for an address that cannot be read, or credentials that contradict each other."""
    username, password = values[output.USERNAME], values[output.PASSWORD]
    if cloud_id := values[output.CLOUD_ID]:
        hosts: tuple[str, ...] = (cloud_address(cloud_id),)
    else:
        hosts, inside = _addresses(values[output.HOSTS], values[output.PROTOCOL], values[output.PATH])
        if inside and not username:
            username, password = inside
    if cloud_auth := values[output.CLOUD_AUTH]:
        username, _, password = cloud_auth.partition(":")
    api_key = values[output.API_KEY]
    return Target(hosts, "" if api_key else username, "" if api_key else password, api_key)


def client_target(values: Values, client: Client) -> Target:
    """Of a client that inherits `output.elasticsearch`; user, password and API key are inherited together or not at all
    (http-surface.md 5.5, 6.3). Raises ValueError."""
    whole = target(values)
    hosts, inside = whole.hosts, ("", "")
    own_place = any(setting in values for setting in (client.hosts, client.protocol, client.path))
    if client.hosts in values or (own_place and not values[output.CLOUD_ID]):
        hosts, inside = _addresses(
            _given(values, client.hosts, output.HOSTS),
            _given(values, client.protocol, output.PROTOCOL),
            _given(values, client.path, output.PATH),
        )
    if any(setting in values for setting in (client.username, client.password, client.api_key)):
        api_key = values[client.api_key]
        username, password = values[client.username], values[client.password]
        return Target(hosts, "" if api_key else username, "" if api_key else password, api_key)
    if client.hosts in values and inside[0]:
        return Target(hosts, *inside, "")
    return whole._replace(hosts=hosts)


def _given(values: Values, own: Setting[T], inherited: Setting[T]) -> T:
    return values[own] if own in values else values[inherited]


def _addresses(hosts: Iterable[str], protocol: str, path: str) -> tuple[tuple[str, ...], tuple[str, str]]:
    """Whole URLs, and the user and password that stood in them, or two empty texts. Raises ValueError."""
    addresses = [elasticsearch_address(host, protocol, path) for host in hosts]
    inside = {(address.username, address.password) for address in addresses if address.username}
    if len(inside) > 1:
        raise ValueError("the hosts name different users; give one in `username`")
    return tuple(address.url for address in addresses), inside.pop() if inside else ("", "")


def tls(values: Values) -> TlsPart:
    """With `ssl.enabled: false`, what would be used if the section were empty."""
    if not values[output.TLS_ENABLED]:
        values = Values({})
    return TlsPart(
        verification_mode=values[output.VERIFICATION_MODE],
        certificate_authorities=list(values[output.CERTIFICATE_AUTHORITIES]),
        certificate=values[output.CERTIFICATE],
        key=values[output.KEY],
        key_passphrase=values[output.KEY_PASSPHRASE],
        supported_protocols=list(values[output.SUPPORTED_PROTOCOLS]),
    )


def client_tls(values: Values, client: Client) -> TlsPart:
    """Of a client that inherits `output.elasticsearch`; certificate, key and passphrase are inherited together or not at all."""
    if not values[client.tls_enabled]:
        return tls(Values({}))
    outputs = values if values[output.TLS_ENABLED] else Values({})
    own = any(setting in values for setting in (client.certificate, client.key, client.key_passphrase))

    def pick(setting: Setting[T], inherited: Setting[T]) -> T:
        return values[setting] if setting in values else outputs[inherited]

    return TlsPart(
        verification_mode=pick(client.verification_mode, output.VERIFICATION_MODE),
        certificate_authorities=list(pick(client.certificate_authorities, output.CERTIFICATE_AUTHORITIES)),
        certificate=values[client.certificate] if own else outputs[output.CERTIFICATE],
        key=values[client.key] if own else outputs[output.KEY],
        key_passphrase=values[client.key_passphrase] if own else outputs[output.KEY_PASSPHRASE],
        supported_protocols=list(pick(client.supported_protocols, output.SUPPORTED_PROTOCOLS)),
    )


def flush_bytes(values: Values) -> int:
    """Compressed bytes of a bulk request."""
    wanted = values[output.FLUSH_BYTES]
    return max(wanted, LEAST_COMPRESSED_FLUSH) if values[output.COMPRESSION_LEVEL] else wanted
