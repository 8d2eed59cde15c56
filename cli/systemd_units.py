"""The texts of the units and what belongs to them: one source for `tidegate systemd install` and for the packaged files.

Pure. `python -m tidegate.cli.systemd_units systemd` writes the packaged ones.
"""

from __future__ import annotations

from typing import NamedTuple

USER = "tidegate"
SETTINGS = "/etc/tidegate/tidegate.yml"
CREDENTIALS = "/etc/tidegate/credentials"
"""Each file in it is a credential of the service; only root may read it."""
DATA, LOGS, RUNTIME = "/var/lib/tidegate", "/var/log/tidegate", "/run/tidegate"

SERVICE_FILE = "/etc/systemd/system/tidegate.service"
SOCKET_FILE = "/etc/systemd/system/tidegate.socket"
USERS_FILE = "/etc/sysusers.d/tidegate.conf"
MODES_FILE = "/etc/tmpfiles.d/tidegate.conf"

MARK = "# Written by `tidegate systemd install`, which writes it again."
_HEAD = f"{MARK} Changes of your own belong into a drop-in: systemctl edit "

_STOP_GRACE_S = 15
"""Above shutdown_timeout: workers write what is left and the slowest children are killed within it."""
_OTHER_FILES = 1024
"""Open files that are no client's connection: spool, links, Elasticsearch."""
_LEAST_FILES = 65_536


class Facts(NamedTuple):
    """What the units depend on."""

    command: str = "/opt/tidegate/bin/tidegate"
    streams: tuple[str, ...] = ("127.0.0.1:8200",)
    """For ListenStream=."""
    free_bind: bool = False
    """An address that this machine may get only after its sockets are made."""
    shutdown_timeout: float = 30.0
    max_connections: int = 0
    folders: tuple[str, ...] = ()
    """That are written to besides the service's own."""
    credentials: tuple[str, ...] = ()


def service_text(facts: Facts) -> str:
    """tidegate.service."""
    folders = "".join(f"ReadWritePaths={escaped(folder)}\n" for folder in facts.folders)
    credentials = "".join(f"LoadCredential={name}:{CREDENTIALS}/{name}\n" for name in facts.credentials)
    return f"""{_HEAD}tidegate.service
[Unit]
Description=Tidegate, intake of Elastic APM events
Wants=network-online.target
After=network-online.target tidegate.socket
# The socket is systemd's: clients wait in the kernel while the service restarts.
Requires=tidegate.socket
# A port or a disk that is missing now may be there in a second: never give up. Settings that are wrong stop it below.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={escaped(facts.command)} run -c {SETTINGS}
ExecReload={escaped(facts.command)} reload -c {SETTINGS}
Sockets=tidegate.socket
User={USER}
Group={USER}
StateDirectory=tidegate
StateDirectoryMode=0700
RuntimeDirectory=tidegate
RuntimeDirectoryMode=0700
LogsDirectory=tidegate
LogsDirectoryMode=0700
UMask=0077
{folders}{credentials}
# SIGTERM goes to the supervisor alone: it ends its children in order.
KillMode=mixed
# Above apm-server.shutdown_timeout ({facts.shutdown_timeout:g} s).
TimeoutStopSec={round(facts.shutdown_timeout) + _STOP_GRACE_S}
# The supervisor feeds it while it watches its children, who have 12 s; disks and Elasticsearch do not come into it.
WatchdogSec=30
Restart=always
RestartSec=1
# Invalid settings do not become valid by trying again.
RestartPreventExitStatus=78
# A child that the kernel kills for want of memory is replaced; its siblings go on.
OOMPolicy=continue
LimitNOFILE={max(_LEAST_FILES, facts.max_connections + _OTHER_FILES)}
# Memory may hold tokens and events.
LimitCORE=0
# Tidegate says repeated things once; this is for what it cannot foresee, and for no other service to suffer.
LogRateLimitIntervalSec=30s
LogRateLimitBurst=10000

NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateDevices=yes
PrivateIPC=yes
PrivateMounts=yes
PrivateTmp=yes
PrivateUsers=yes
DevicePolicy=closed
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# ZeroMQ ends a process whose threads it may not give the policy that they have. (RestrictRealtime= holds all the same.)
SystemCallFilter=sched_setscheduler
# With these an acceptor shuts itself off; systemd 252 counts them to no group.
SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self

[Install]
WantedBy=multi-user.target
Also=tidegate.socket
"""


def socket_text(facts: Facts) -> str:
    """tidegate.socket."""
    streams = "".join(f"ListenStream={escaped(stream)}\n" for stream in facts.streams)
    if any(stream.startswith("/") for stream in facts.streams):
        more = f"# Members of the group may connect.\nSocketUser={USER}\nSocketGroup={USER}\nSocketMode=0660\n"
    else:
        more = "BindIPv6Only=ipv6-only\n"
    if facts.free_bind:
        more += "# The address may come after the socket.\nFreeBind=yes\n"
    return f"""{_HEAD}tidegate.socket
[Unit]
Description=Tidegate, address for agents (apm-server.host)

[Socket]
{streams}{more}# Clients that wait while the service restarts; the kernel has a limit of its own (net.core.somaxconn, 4096).
Backlog=4096
# A service that ends at once, again and again: after so many starts in a minute its clients are refused.
TriggerLimitIntervalSec=60s
TriggerLimitBurst=30

[Install]
WantedBy=sockets.target
"""


def users_text() -> str:
    """sysusers.d(5)."""
    return f'{MARK}\nu {USER} - "Tidegate, intake of Elastic APM events" {DATA} /usr/sbin/nologin\n'


def modes_text(facts: Facts) -> str:
    """tmpfiles.d(5): who may read what under /etc/tidegate, and folders that the unit cannot make."""
    folders = "".join(f"d {escaped(folder)} 0700 {USER} {USER} -\n" for folder in facts.folders)
    return f"""{MARK}
z /etc/tidegate 0750 root {USER} -
z {SETTINGS} 0640 root {USER} -
z {CREDENTIALS} 0700 root root -
{folders}"""


def escaped(text: str) -> str:
    """As it stands in a unit."""
    return text.replace("%", "%%")


PACKAGED = {
    "tidegate.service": service_text(Facts()),
    "tidegate.socket": socket_text(Facts()),
    "sysusers.d/tidegate.conf": users_text(),
    "tmpfiles.d/tidegate.conf": modes_text(Facts()),
}
"""The files of the folder `systemd`, for an installation under /opt/tidegate."""

if __name__ == "__main__":
    import sys
    from pathlib import Path

    for name, text in PACKAGED.items():
        Path(sys.argv[1], name).write_text(text, encoding="utf-8")
