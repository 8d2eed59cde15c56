"""From the keys of `output.elasticsearch` and `cloud` to what a client needs: hosts, credentials, TLS."""

from __future__ import annotations

from typing import NamedTuple

from tidegate.daemon.settings import output
from tidegate.daemon.settings.address import cloud_address, elasticsearch_address
from tidegate.daemon.settings.parts import TlsPart
from tidegate.daemon.settings.values import Values

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
        addresses = [
            elasticsearch_address(host, values[output.PROTOCOL], values[output.PATH]) for host in values[output.HOSTS]
        ]
        hosts = tuple(address.url for address in addresses)
        inside = {(address.username, address.password) for address in addresses if address.username}
        if len(inside) > 1:
            raise ValueError("the hosts name different users; give one in `output.elasticsearch.username`")
        if inside and not username:
            username, password = inside.pop()
    if cloud_auth := values[output.CLOUD_AUTH]:
        username, _, password = cloud_auth.partition(":")
    api_key = values[output.API_KEY]
    return Target(hosts, "" if api_key else username, "" if api_key else password, api_key)


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


def flush_bytes(values: Values) -> int:
    """Compressed bytes of a bulk request."""
    wanted = values[output.FLUSH_BYTES]
    return max(wanted, LEAST_COMPRESSED_FLUSH) if values[output.COMPRESSION_LEVEL] else wanted
