"""A booted systemd of the test's own: process 1 of namespaces on a view of this machine whose changes are thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pytest
from e2e.presence import CHECKOUT
from e2e.processes import wait_until

SYSTEMD = Path("/lib/systemd/systemd")
BOOT_S = 30.0
PREFIX = "/opt/tidegate"
"""Where Tidegate is installed in that machine."""

_BOOT = """
set -eu
work=$1
mount --make-rprivate /
mkdir -p "$work"
mount -t tmpfs -o mode=0755 tidegate-test "$work"
mkdir "$work/root" "$work/upper" "$work/inner" "$work/cgroups"
# This process moves to a control group of its own, which is the top of what the machine will see.
mount -t cgroup2 none "$work/cgroups"
group="$work/cgroups/tidegate-test-$$"
mkdir "$group"
echo $$ > "$group/cgroup.procs"
exec unshare --cgroup --pid --fork --kill-child --uts --ipc --net sh -eu -c '
work=$0 python=$1 source=$2
shift 2
root="$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/inner" "$root"
mkdir -p "$root/opt/python" "$root/opt/source" "$root/old"
mount --bind "$python" "$root/opt/python"
mount --bind "$source" "$root/opt/source"
number=0
for site in "$@"; do
    mkdir -p "$root/opt/site/$number"
    mount --bind "$site" "$root/opt/site/$number"
    number=$((number + 1))
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for folder in run tmp dev; do mount -t tmpfs -o mode=0755 tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
# Nothing of this machine is to run there.
rm -rf "$root/etc/systemd/system" "$root/etc/fstab" "$root/var/log/journal" "$root/etc/tidegate"
mkdir "$root/etc/systemd/system"
cat > "$root/etc/systemd/system/test.target" <<END
[Unit]
Requires=basic.target
After=basic.target
END
cd "$root"
pivot_root . old
umount -l old
# As on a machine, where credentials come into the view of a service by that.
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=test.target
' "$@"
"""


class Machine:
    """Runs until the end of the `with` block. Tidegate, as this checkout has it, is installed in `PREFIX`."""

    def __init__(self, folder: Path) -> None:
        reason = _why_not()
        if reason:
            pytest.skip(f"NOT RUN: a booted systemd cannot be had here: {reason}")
        self._log = folder / "boot.log"
        self._work = folder / "machine"
        self._init = 0

    def __enter__(self) -> Machine:
        arguments = [str(self._work), sys.base_prefix, str(CHECKOUT), *_sites()]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", _BOOT, "boot", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(self._is_up, "systemd boots", BOOT_S, self._log.read_text)
            self._install()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def inside(self, *command: str) -> list[str]:
        """The command line that runs a command as root of that machine."""
        return [
            "nsenter",
            "--target",
            str(self._init),
            "--all",
            "--root",
            "--wd",
            "--",
            "env",
            "-i",
            *_VARIABLES,
            *command,
        ]

    def run(self, *command: str, check: bool = True, seconds: float = 60, text: str | None = None) -> str:
        """Runs a command as root of that machine; returns what it printed, errors too."""
        done = subprocess.run(
            self.inside(*command),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file in that machine."""
        self.run(
            "sh", "-c", 'mkdir -p "$(dirname "$0")" && cat > "$0" && chmod "$1" "$0"', path, f"{mode:o}", text=text
        )

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", "--property", name, unit).strip()

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        if not self._init:
            self._init = _child_of(self._process.pid)
            return False
        return self.run("systemctl", "is-active", "test.target", check=False).strip() == "active"

    def _install(self) -> None:
        """A virtual environment of this Python with this checkout's packages, as `pip install` leaves them."""
        self.run("/opt/python/bin/python3", "-m", "venv", "--without-pip", PREFIX, "--copies")
        site = f"{PREFIX}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        self.write(f"{site}/dependencies.pth", "".join(f"/opt/site/{n}\n" for n in range(len(_sites()))))
        self.run("mkdir", f"{site}/tidegate")
        for package in CHECKOUT.glob("*/__init__.py"):
            name = package.parent.name
            self.run("cp", "-r", f"/opt/source/{name}", f"{site}/tidegate/{name}")
        program = f"#!{PREFIX}/bin/python3\nimport sys\nfrom tidegate.cli.main import main\nsys.exit(main())\n"
        self.write(f"{PREFIX}/bin/tidegate", program, 0o755)
        self.run("chmod", "-R", "a+rX", PREFIX)
        # A shared libpython lies where this Python was built for, which the service may not see.
        self.write("/etc/ld.so.conf.d/000-test.conf", "/opt/python/lib\n")
        self.run("ldconfig")

    def _end(self) -> None:
        group = _group_of(self._process.pid)
        # What is process 1 there goes with it, and all others with that.
        self._process.kill()
        self._process.wait(30)
        if group is not None:
            wait_until(lambda: _removed(group), "the processes of the machine end", 30)


_VARIABLES = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER=")


def _why_not() -> str:
    """What stands in the way of a machine, empty if nothing does."""
    if os.geteuid() != 0:
        return "it takes root"
    if missing := [name for name in ("unshare", "nsenter", "systemctl", "pivot_root") if shutil.which(name) is None]:
        return f"no {', '.join(missing)}"
    if not SYSTEMD.exists():
        return f"no {SYSTEMD}"
    kernel = Path("/proc/filesystems").read_text().split()
    if missing := [name for name in ("cgroup2", "overlay") if name not in kernel]:
        return f"the kernel has no {', '.join(missing)}"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--net", "mount", "--make-rprivate", "/"],
        capture_output=True,
        text=True,
        check=False,
    )
    return tried.stderr.strip()


def _sites() -> list[str]:
    """Where the packages are that Tidegate needs."""
    return [path for path in sys.path if path.endswith("site-packages")]


def _child_of(pid: int) -> int:
    """The child of a process that has become systemd, 0 as long as there is none."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().strip() == SYSTEMD.name:
                return int(child)
    return 0


def _group_of(pid: int) -> Path | None:
    """The folder of a process's control group, where this machine shows it."""
    name = next(
        (line[3:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::")), ""
    )
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if " - cgroup2 " in line and "tidegate-test" in name:
            return Path(words[4]) / name.lstrip("/")
    return None


def _removed(group: Path) -> bool:
    try:
        for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        group.rmdir()
    except OSError:
        return False
    return True
