"""The files that hold certificates and keys: read by the supervisor, at its start and when they change."""

from __future__ import annotations

from pathlib import Path

from tidegate.daemon.settings.intake_tls import CertificateSource, is_pem
from tidegate.daemon.settings.parts import CertificatesPart, TlsServerPart
from tidegate.daemon.tls.context import CertificateError, make_context

LARGEST = 1 << 20
"""Bytes of one file. A chain has a few KiB, a system's whole bundle of authorities about 250."""

Signature = tuple[tuple[str, int, int, int] | None, ...]


class CertificateFiles:
    """Reads what the settings name, and tells when it is no longer the same."""

    def __init__(self, source: CertificateSource, policy: TlsServerPart) -> None:
        self._source = source
        self._policy = policy
        self._seen: Signature = ()

    @property
    def reload_interval(self) -> float:
        """Seconds between two looks; 0: files are read at the start only."""
        return self._source.reload_interval

    def read(self) -> CertificatesPart:
        """What the files hold now, tried out. Raises CertificateError."""
        # Before reading: what changes meanwhile is seen at the next look.
        self._seen = self._signature()
        source = self._source
        certificates = CertificatesPart(
            certificate=_text("certificate", source.certificate),
            key=_text("key", source.key),
            key_passphrase=source.key_passphrase,
            authorities="\n".join(_text("certificate_authorities", named) for named in source.authorities),
        )
        make_context(self._policy, certificates)
        return certificates

    def changed(self) -> bool:
        """Whether a file is another one than when it was last read."""
        return self._signature() != self._seen

    def _signature(self) -> Signature:
        named = (self._source.certificate, self._source.key, *self._source.authorities)
        return tuple(_status(text) for text in named if not is_pem(text))


def _status(path: str) -> tuple[str, int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return path, status.st_ino, status.st_size, status.st_mtime_ns


def _text(key: str, named: str) -> str:
    """PEM text: the setting's own, or that of the file it names. Raises CertificateError."""
    if is_pem(named):
        return named
    try:
        with Path(named).open("rb") as opened:
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise CertificateError(f"apm-server.ssl.{key}: {named} is larger than 1 MiB: that is no certificate or key")
        # Other text may stand around the blocks, in whatever encoding.
        return content.decode("ascii", "replace")
    except OSError as problem:
        raise CertificateError(f"apm-server.ssl.{key}: {named} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise CertificateError(f"apm-server.ssl.{key}: is no path") from problem
