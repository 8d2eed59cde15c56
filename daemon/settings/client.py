"""Keys that every Elasticsearch client of the original has, for the sections that inherit `output.elasticsearch`."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Fate, Gate, Section


def declare_client(section: Section, prefix: str, fate: Fate, gate: Gate | None = None) -> None:
    """Declares `<prefix>.hosts` and so on; none of them is used yet, so none is returned."""
    section.setting(f"{prefix}.hosts", kinds.texts, (), "Hosts, in place of those of the output.", fate=fate, gate=gate)
    section.setting(f"{prefix}.protocol", kinds.choice("http", "https"), "http", "Scheme.", fate=fate, gate=gate)
    section.setting(f"{prefix}.path", kinds.text, "", "Path in front of the API's.", fate=fate, gate=gate)
    section.setting(f"{prefix}.username", kinds.text, "", "User.", fate=fate, gate=gate)
    section.setting(f"{prefix}.password", kinds.text, "", "Password.", fate=fate, gate=gate, secret=True)
    section.setting(f"{prefix}.api_key", kinds.text, "", "`id:key`.", fate=fate, gate=gate, secret=True)
    section.setting(f"{prefix}.headers", kinds.headers, {}, "Further headers.", fate=fate, gate=gate)
    section.setting(f"{prefix}.proxy_url", kinds.text, "", "Proxy.", fate=fate, gate=gate, secret=True)
    section.setting(f"{prefix}.timeout", kinds.duration(), 5.0, "Time to connect.", fate=fate, gate=gate)
    section.group(prefix, "Further keys of this client, such as `ssl.*`.", fate, gate)
