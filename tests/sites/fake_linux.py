# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Linux host for playbooks: a network namespace, a /run of its own, and a systemctl that answers as systemd does."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# firewalld is not there. A unit is what a file of the test says; what starts it are links as systemd makes them.
_SYSTEMCTL = """#!/bin/sh
for unit; do :; done
case "$*" in
  *firewalld.service*) echo LoadState=not-found; echo ActiveState=inactive;;
  *show*) if [ -e /run/$unit.active ]; then echo active; else echo inactive; fi;;
  is-active*) echo inactive; exit 3;;
  start*) touch /run/$unit.active;;
  stop*) rm -f /run/$unit.active;;
  daemon-reload) ;;
  *disable*) rm -f /run/units/*.wants/$unit;;
  *enable*)
    for by in $(sed -n 's/^WantedBy=//p' /run/units/$unit); do
      mkdir -p /run/units/$by.wants
      ln -sf ../$unit /run/units/$by.wants/$unit
    done;;
esac
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

    def program(self, name: str, text: str) -> None:
        """Have a program that is found before that of the machine."""
        path = self._programs / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def nft(self, text: str) -> None:
        """Load a ruleset."""
        subprocess.run([*self.inside, "nft", "-f", "-"], input=text, text=True, check=True)

    def variables(self, **more: t.Any) -> dict[str, t.Any]:
        """Variables of an inventory for the host. Nothing is confirmed, which takes the timers of systemd."""
        connection = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        return {**connection, "linux_firewall_confirm_timeout": 0, **more}

    def play(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook on the host itself."""
        on_the_host = ["unshare", "--mount", "sh", "-c", f'mount --bind {self.directory}/run /run && exec "$@"', "sh"]
        settings = {
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "COLUMNS": "9999",
            "PATH": f"{self._programs}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            [*self.inside, *on_the_host, "ansible-playbook", "-e", json.dumps(_PLACES), *map(str, arguments)],
            cwd=self.directory, env={**os.environ, **settings, **environment},
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
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
