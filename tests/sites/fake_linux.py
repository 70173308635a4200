# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Linux host for playbooks: a network namespace, a /run of its own, and a systemctl that answers as systemd does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warm_ansible import ansible_playbook

_TOP = Path(__file__).parents[2]
_PYTHON = _TOP / "extensions/lab/image/lab-python"
# firewalld is not there. A unit is what a file of the test says; what starts it are links as systemd makes them.
_SYSTEMCTL = """#!/bin/sh
case "$*" in
  *firewalld.service*) echo LoadState=not-found; echo ActiveState=inactive; exit;;
  is-active*) echo inactive; exit 3;;
  daemon-reload) exit;;
esac
for word; do
  case $word in
    disable | enable | show | start | stop) verb=$word; continue;;
    *.*) unit=$word;;
    *) continue;;
  esac
  case $verb in
    show) if [ -e /run/$unit.active ]; then echo active; else echo inactive; fi;;
    start) touch /run/$unit.active;;
    stop) rm -f /run/$unit.active;;
    disable) rm -f /run/units/*.wants/$unit;;
    enable)
      for by in $(sed -n 's/^WantedBy=//p' /run/units/$unit); do
        mkdir -p /run/units/$by.wants
        ln -sf ../$unit /run/units/$by.wants/$unit
      done;;
  esac
done
"""
# What the role has of directories, on the command line, as nothing else goes before the variables of a role.
_PLACES = {"__linux_firewall_directory": "/run/boot", "__linux_firewall_unit_directory": "/run/units"}


class FakeLinux:
    """The host; *directory* is where a play runs, and where what it needs is kept between plays."""

    def __init__(self, directory: Path, namespace: str) -> None:
        self.directory = directory
        self.inside = ["ip", "netns", "exec", namespace]
        self._programs = directory / "bin"
        self._programs.mkdir()
        for name in ("run/systemd/system", "run/units"):
            (directory / name).mkdir(parents=True)
        self.program("systemctl", _SYSTEMCTL)
        # A play is the fork of a process that is loaded already, and outside. What it does on the host is inside.
        self._python = self.program(
            "python-on-the-host",
            f"""#!/bin/sh
export XDG_CACHE_HOME="{_TOP}/.build/cache"
exec {" ".join(self.inside)} unshare --mount \\
  sh -c 'mount --bind "$1" /run && shift && exec "$@"' sh "{directory}/run" "{sys.executable}" "{_PYTHON}" "$@"
""",
        )

    def program(self, name: str, text: str) -> Path:
        """Have a program that is found before that of the machine; return its path."""
        path = self._programs / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def nft(self, text: str) -> None:
        """Load a ruleset."""
        subprocess.run([*self.inside, "nft", "-f", "-"], input=text, text=True, check=True)

    def variables(self, **more: t.Any) -> dict[str, t.Any]:
        """Variables of an inventory for the host. Nothing is confirmed, which takes the timers of systemd."""
        connection = {"ansible_connection": "local", "ansible_python_interpreter": str(self._python)}
        return {**connection, "linux_firewall_confirm_timeout": 0, **more}

    def play(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook for the host."""
        settings = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "COLUMNS": "9999"}
        done = ansible_playbook(
            ["-e", json.dumps(_PLACES), *arguments],
            cwd=self.directory,
            env={**os.environ, **settings, **environment},
            of_this_run={"PATH": f"{self._programs}:{os.environ['PATH']}"},
        )
        print(done.stdout, done.stderr)
        return done


@contextmanager
def fake_linux(directory: Path, links: str = "") -> Iterator[FakeLinux]:
    """Make a host, with *links* by a shell script that finds the name of its namespace as ``{0}``."""
    name = f"pexip-sfb-test-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    assert not made.returncode, f"no network namespace ({made.stderr.strip()}); run as root, with the package iproute2"
    try:
        subprocess.run(["sh", "-c", links.format(name)], check=True)
        yield FakeLinux(directory, name)
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
