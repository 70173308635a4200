# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of the role linux_firewall that need no lab: each runs alone, on this machine."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_linux import fake_linux
from warm_ansible import ansible_playbook

ROLE = Path(__file__).parents[2] / "roles/linux_firewall"

# Enables and disables below a directory of the test. What asks about a running system gets an answer of one.
SYSTEMCTL = """#!/bin/sh
for unit; do :; done
case "$*" in
  *show*) if [ -e {root}/$unit.active ]; then echo active; else echo inactive; fi;;
  start*) touch {root}/$unit.active;;
  stop*) rm {root}/$unit.active;;
  daemon-reload) ;;
  *) exec {systemctl} --root={root} "$@";;
esac
"""
# Becoming root with it hides what an SSH server told, as sudo does.
SUDO = """#!/bin/sh
while [ "$1" != /bin/sh ]; do shift; done
unset SSH_CONNECTION
exec "$@"
"""


def run(
    tmp_path: Path, play: dict[str, Any], *options: str, programs: dict[str, str] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a play on this machine, with *programs* in the place of those of their names."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    for name, text in (programs or {}).items():
        path = tmp_path / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "all", "gather_facts": False, **play}]), encoding="utf-8"
    )
    settings = {
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": "{{ ansible_playbook_python }}",
        "COLUMNS": "9999",
    }
    return ansible_playbook(
        ["-i", "host,", "-c", "local", "play.yml", *options],
        cwd=tmp_path,
        env={**os.environ, **settings},
        of_this_run={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **environment},
    )


ROLE_VARIABLES = [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")]


@pytest.mark.parametrize("variables", [{}, {"ansible_become": True}])
def test_the_connection_is_known_however_one_becomes_root(tmp_path: Path, variables: dict[str, bool]) -> None:
    tasks = yaml.safe_load((ROLE / "tasks/main.yml").read_text(encoding="utf-8"))
    (ask,) = (task for task in tasks if task["name"].startswith("Ask the host who connects to it"))
    tell = {"ansible.builtin.debug": {"msg": "from {{ __linux_firewall_host.ssh_connection | join(' ') }}"}}
    with fake_linux(tmp_path) as host:
        host.program("sudo", SUDO)
        play = {"hosts": "all", "gather_facts": False, "become": True, "vars_files": ROLE_VARIABLES}
        play.update(vars=host.variables(**variables), tasks=[ask, tell])
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        done = host.play(
            "-i", "host,", "play.yml", SSH_CONNECTION="192.0.2.9 1 192.0.2.1 22", ANSIBLE_BECOME_ALLOW_SAME_USER="true"
        )
    assert "from 192.0.2.9 1 192.0.2.1 22" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("seconds", "accepted"), [("0", True), ("90", True), ("9", False), ("3601", False)])
def test_the_time_for_a_confirmation_can_be_given_on_the_command_line(
    tmp_path: Path, seconds: str, accepted: bool
) -> None:
    check = {"variable": "linux_firewall_state", "problems": "{{ __linux_firewall_problems }}"}
    play = {"vars_files": ROLE_VARIABLES, "tasks": [{"uc_firewall.pexip_sfb.evaluate": check}]}
    done = run(tmp_path, play, "-e", f"linux_firewall_confirm_timeout={seconds}")
    assert (done.returncode == 0) == accepted, done.stdout + done.stderr
    refused = f"linux_firewall_confirm_timeout: {seconds}; accepted: 0, or 10 to 3600 seconds"
    assert (refused in done.stdout + done.stderr) != accepted


class Units:
    """A directory with the units of the role, and the links by which systemd starts them."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._directory = parent / "etc/systemd/system"
        self._directory.mkdir(parents=True)
        self.boot = parent / "boot"
        (parent / "templates").symlink_to(ROLE / "templates")

    def apply(self, *options: str, **join: str) -> dict[str, Any]:
        """Have the units there; return the result of the module."""
        remove = [] if join else ["{{ __linux_firewall_join_program }}"]
        return self._run({"units": "{{ __linux_firewall_units }}", "remove": remove}, *options, **join)

    def remove(self, *options: str) -> dict[str, Any]:
        """Take the units off; return the result of the module."""
        units = "{{ __linux_firewall_wanted_by | dict2items(key_name='name', value_name='wanted_by') }}"
        return self._run({"units": units, "state": "absent"}, *options)

    def _run(self, what: dict[str, Any], *options: str, **join: str) -> dict[str, Any]:
        variables = {
            "linux_firewall_join": join,
            "__linux_firewall_host": {"nft": "/usr/sbin/nft", "python": "/usr/bin/python3"},
            "__linux_firewall_unit_directory": str(self._directory),
            "__linux_firewall_directory": str(self.boot),
        }
        program = SYSTEMCTL.format(systemctl="/usr/bin/systemctl", root=self._parent)
        places = {
            "directory": "{{ __linux_firewall_directory }}",
            "unit_directory": "{{ __linux_firewall_unit_directory }}",
        }
        tasks = [
            {"uc_firewall.pexip_sfb.boot_units": {**places, **what}, "register": "done"},
            {
                "uc_firewall.pexip_sfb.controller_files": {
                    "directory": str(self._parent),
                    "files": [{"name": "done", "content": "{{ done | to_json }}"}],
                },
                "check_mode": False,
            },
        ]
        play = {"vars_files": ROLE_VARIABLES, "tasks": tasks}
        done = run(self._parent, play, "-e", json.dumps(variables), *options, programs={"systemctl": program})
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads((self._parent / "done").read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found

    def links(self) -> list[str]:
        found = (path.relative_to(self._directory) for path in self._directory.rglob("*") if path.is_symlink())
        return sorted(map(str, found))

    def files(self) -> list[str]:
        return sorted(path.name for path in self._directory.iterdir() if path.is_file())

    def spoil(self, link: str) -> None:
        (self._directory / link).unlink()

    def is_active(self) -> bool:
        return (self._parent / f"{UNIT}.active").exists()


UNIT = "pexip-sfb-firewall.service"
OWN = [
    "nftables.service.wants/pexip-sfb-firewall-again.service",
    "nftables.service.wants/pexip-sfb-firewall.service",
    "sysinit.target.wants/pexip-sfb-firewall.service",
]
JOINED = [
    "site-firewall.service.wants/pexip-sfb-firewall-again.service",
    "site-firewall.service.wants/pexip-sfb-firewall.service",
]


def test_what_starts_the_units_follows_where_the_rules_are(tmp_path: Path) -> None:
    units = Units(tmp_path)
    assert units.apply("--check")["changed"]
    assert (units.links(), units.files(), units.boot.exists(), units.is_active()) == ([], [], False, False)
    units.apply(table="filter", service="site-firewall.service")
    assert (units.links(), units.is_active()) == (JOINED, True)
    units.apply()
    assert units.links() == OWN
    assert not units.apply()["changed"]


def test_a_link_that_somebody_removed_is_missed_and_put_back(tmp_path: Path) -> None:
    units = Units(tmp_path)
    units.apply()
    units.spoil("sysinit.target.wants/pexip-sfb-firewall.service")
    looked = units.apply("--check")
    assert looked["started_by"][UNIT] == ["nftables.service"]
    assert [(one["before"], one["after"]) for one in looked["diff"]] == [
        (
            "pexip-sfb-firewall.service: started by nftables.service\n",
            "pexip-sfb-firewall.service: started by nftables.service, sysinit.target\n",
        )
    ]
    assert len(units.links()) == len(OWN) - 1
    assert units.apply()["changed"]
    assert units.links() == OWN


def test_a_unit_that_was_stopped_or_written_to_is_put_right(tmp_path: Path) -> None:
    units = Units(tmp_path)
    units.apply()
    (tmp_path / f"{UNIT}.active").unlink()
    path = tmp_path / "etc/systemd/system/pexip-sfb-firewall.service"
    before = path.read_text(encoding="utf-8")
    path.write_text("mine", encoding="utf-8")
    path.chmod(0o666)
    units.boot.chmod(0o777)
    headers = [one["before_header"] for one in units.apply("--check")["diff"]]
    assert headers == [str(units.boot), str(path), "units of systemd"]
    assert path.read_text(encoding="utf-8") == "mine"
    assert units.apply()["changed"]
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == (before, 0o644)
    assert (units.boot.stat().st_mode & 0o777, units.is_active()) == (0o750, True)


def test_a_long_notice_is_all_comment(tmp_path: Path) -> None:
    units = Units(tmp_path)
    units.apply(
        "-e", json.dumps({"ansible_managed": "Managed by the network team.\n[Service]\nAsk before you change it."})
    )
    for path in (tmp_path / "etc/systemd/system").glob("*.service"):
        head = path.read_text(encoding="utf-8").splitlines()[:4]
        assert head[:3] == ["# Managed by the network team.", "# [Service]", "# Ask before you change it."]
        assert head[3].startswith(("[Unit]", "# A unit"))
    assert len(units.files()) == 2


def test_a_program_that_joins_goes_only_where_nothing_joins(tmp_path: Path) -> None:
    units = Units(tmp_path)
    units.apply(table="filter")
    program = units.boot / "join.py"
    program.touch()
    assert not units.apply(table="filter")["changed"]
    assert program.exists()
    units.apply()
    assert not program.exists()


def test_all_of_it_goes_also_where_somebody_removed_a_part(tmp_path: Path) -> None:
    units = Units(tmp_path)
    assert not units.remove()["changed"]
    units.apply()
    (units.boot / "ruleset.nft").touch()
    directory = tmp_path / "etc/systemd/system"
    (directory / "other.service").touch()
    (directory / "sysinit.target.wants/other.service").touch()
    units.spoil("pexip-sfb-firewall.service")
    assert units.remove("--check")["changed"]
    assert (units.links(), units.is_active()) == (OWN, True)
    assert units.remove()["changed"]
    assert (units.links(), units.files(), units.is_active()) == ([], ["other.service"], False)
    assert [path.name for path in directory.iterdir() if path.is_dir()] == ["sysinit.target.wants"]
    assert not units.boot.exists()
    assert not units.remove()["changed"]
