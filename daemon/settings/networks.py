"""The kind of `tidegate.trusted_proxies`: addresses and networks, or the words `private`, `all` and `none`."""

from __future__ import annotations

import ipaddress

from tidegate.daemon.settings.kinds import Kind, Unfit, texts
from tidegate.daemon.settings.leaves import Leaf

WORDS = ("private", "all")


def _read(leaf: Leaf) -> tuple[str, ...]:
    found = tuple(text.strip() for text in texts.read(leaf))
    # An empty list leaves the default, as everywhere: without a word for it, nobody could say "none".
    if found == ("none",):
        return ()
    for one in found:
        if one in WORDS:
            continue
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise Unfit(
                "wants addresses and networks such as 10.0.0.0/8 or 2001:db8::1, or the words `private`, `all` or `none`"
            ) from None
    return found


networks: Kind[tuple[str, ...] | None] = Kind("list of networks", _read)
