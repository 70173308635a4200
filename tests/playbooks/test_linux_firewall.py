# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of the role linux_firewall that need no lab: each runs alone, on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
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


def task(beginning: str, file: str = "present.yml") -> dict[str, Any]:
    """The task of *file* whose name begins so."""
    tasks = yaml.safe_load((ROLE / "tasks" / file).read_text(encoding="utf-8"))
    (found,) = (one for one in tasks if one["name"].startswith(beginning))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("variables", [{}, {"ansible_become": True}])
def test_the_connection_is_known_however_one_becomes_root(tmp_path: Path, variables: dict[str, bool]) -> None:
    tell = {"ansible.builtin.debug": {"msg": "from {{ __linux_firewall_host.ssh_connection | join(' ') }}"}}
    play = {"become": True, "vars": variables, "tasks": [task("Ask the host who connects to it"), tell]}
    done = run(
        tmp_path,
        play,
        programs={"sudo": SUDO},
        SSH_CONNECTION="192.0.2.9 1 192.0.2.1 22",
        ANSIBLE_BECOME_ALLOW_SAME_USER="true",
    )
    assert "from 192.0.2.9 1 192.0.2.1 22" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("connection", "words", "management", "accepted"),
    [
        ("ansible.builtin.ssh", [], [], False),
        ("ansible.builtin.paramiko_ssh", [], [], False),
        ("ssh", [], [{"name": "mine"}], True),
        ("ssh", ["192.0.2.9", "1", "192.0.2.1", "22"], [], True),
        ("local", [], [], True),
    ],
)
def test_a_host_that_hides_its_ssh_connection_needs_a_rule(
    tmp_path: Path, connection: str, words: list[str], management: list[dict[str, str]], accepted: bool
) -> None:
    given = {"linux_firewall_management": management, "__linux_firewall_ssh_connection": words}
    code, said = choose_backend(tmp_path, ansible_connection=connection, **given)
    assert (code == 0) == accepted, said
    assert ("linux_firewall_management: is empty" in said) != accepted


def choose_backend(
    tmp_path: Path,
    service_manager: str = "systemd",
    active: str = "inactive",
    load: str = "not-found",
    version: str = "",
    **variables: Any,
) -> tuple[int, str]:
    """Choose the back end of a host whose firewalld is in these states; return the exit code and what was said."""
    firewalld = {"active_state": active, "load_state": load, "unit_file_state": "disabled", "version": version}
    given = {
        "__linux_firewall_host": {"service_manager": service_manager, "firewalld": firewalld, "conntrack": ""},
        "linux_firewall_end_flows": False,
        "linux_firewall_observe_only": False,
        "__linux_firewall_ssh_connection": [],
        "linux_firewall_backend": "auto",
        "linux_firewall_join": {},
        "linux_firewall_management": [],
        **variables,
    }
    tell = {"ansible.builtin.debug": {"msg": "it is {{ __linux_firewall_backend }}"}}
    tasks = yaml.safe_load((ROLE / "tasks/backend.yml").read_text(encoding="utf-8"))
    done = run(tmp_path, {"vars": given, "tasks": [*tasks, tell]})
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("active", "load", "wanted", "chosen"),
    [
        ("active", "loaded", "auto", "firewalld"),
        ("inactive", "loaded", "auto", "nftables"),
        ("inactive", "not-found", "auto", "nftables"),
        ("active", "loaded", "firewalld", "firewalld"),
    ],
)
def test_the_back_end_is_that_of_the_host(tmp_path: Path, active: str, load: str, wanted: str, chosen: str) -> None:
    code, said = choose_backend(tmp_path, active=active, load=load, linux_firewall_backend=wanted)
    assert code == 0, said
    assert f"it is {chosen}" in said


def test_who_only_wants_to_watch_gets_a_table_next_to_firewalld(tmp_path: Path) -> None:
    """Wanted as a text, as the command line has it."""
    firewalld = {"active": "active", "load": "loaded", "linux_firewall_observe_only": "true"}
    code, said = choose_backend(tmp_path, **firewalld)
    assert code == 0, said
    assert "it is nftables" in said
    for contradiction in ("linux_firewall_backend: firewalld", "linux_firewall_end_flows: true"):
        name, value = contradiction.split(": ")
        code, said = choose_backend(tmp_path, **firewalld, **{name: value})
        assert code
        assert f"linux_firewall_observe_only: true, and {contradiction} changes what the host lets through" in said


def test_flows_are_ended_by_a_program_that_has_to_be_there(tmp_path: Path) -> None:
    code, said = choose_backend(tmp_path, linux_firewall_end_flows=True)
    assert code
    assert "linux_firewall_end_flows: true, and the program conntrack was not found on this host" in said


def test_all_that_speaks_against_a_back_end_is_said_at_once(tmp_path: Path) -> None:
    given = {"ansible_connection": "ssh", "linux_firewall_backend": "firewalld", "linux_firewall_join": {"table": "x"}}
    code, said = choose_backend(tmp_path, service_manager="openrc", load="masked", **given)
    assert code
    for text in (
        "and this host is run by openrc. Use a host with systemd, or leave it out of the play.",
        "linux_firewall_management: is empty, because the host does not tell where Ansible connects from",
        "whose table nobody can join; accepted: no linux_firewall_join.",
        "firewalld is masked on this host. The role does not start it, because its zones could lock you out; "
        "accepted: a running firewalld (systemctl unmask firewalld, then systemctl enable --now firewalld), or the",
    ):
        assert text in said
    code, said = choose_backend(tmp_path, active="active", load="loaded", linux_firewall_backend="nftables")
    assert code
    assert "linux_firewall_backend: nftables, and firewalld is enabled or running on this host." in said
    assert "table nobody can join" not in said


@pytest.mark.parametrize(
    ("wanted", "version", "accepted"),
    [("auto", "0.9.3", False), ("firewalld", "0.9.11", False), ("auto", "1.0.0", True), ("auto", "2.4.0~beta1", True)],
)
def test_a_firewalld_that_is_too_old_is_refused_at_once(
    tmp_path: Path, wanted: str, version: str, accepted: bool
) -> None:
    states = {"active": "active", "load": "loaded", "version": version}
    code, said = choose_backend(tmp_path, **states, linux_firewall_backend=wanted)
    assert (code == 0) == accepted, said
    refused = (
        f"linux_firewall_backend: {wanted}, and firewalld {version} is in charge of this host. Only since 1.0 a rule "
        "can have an ipset as its destination, as the rules of the matrix need it; accepted: firewalld 1.0 or later, "
        "or linux_firewall_backend: nftables where firewalld is stopped and disabled "
        "(systemctl disable --now firewalld)."
    )
    assert (refused in said) != accepted


@pytest.mark.parametrize(("seconds", "accepted"), [("0", True), ("90", True), ("9", False), ("3601", False)])
def test_the_time_for_a_confirmation_can_be_given_on_the_command_line(
    tmp_path: Path, seconds: str, accepted: bool
) -> None:
    play = {"tasks": [task("Check the time for a confirmation", "confirm_timeout.yml")]}
    done = run(tmp_path, play, "-e", f"linux_firewall_confirm_timeout={seconds}")
    assert (done.returncode == 0) == accepted, done.stdout + done.stderr
    refused = f"linux_firewall_confirm_timeout: {seconds}; accepted: 0, or 10 to 3600 seconds."
    assert (refused in done.stdout + done.stderr) != accepted


@pytest.mark.parametrize(
    ("table", "join", "told"),
    [
        ({"first": True}, {}, True),
        ({"first": False}, {}, False),
        ({}, {}, False),  # the answer to the apply was lost
        ({"first": True}, {"table": "filter"}, False),
    ],
)
def test_a_first_run_says_how_older_flows_go_on(
    tmp_path: Path, table: dict[str, bool], join: dict[str, str], told: bool
) -> None:
    variables = {"__linux_firewall_table": table, "linux_firewall_join": join, "linux_firewall_older_flows": 20}
    done = run(tmp_path, {"vars": variables, "tasks": [task("Say how flows go on", "nftables.yml")]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("those of UDP for 20 s" in done.stdout) == told


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
        return self._run(task("Have them loaded at boot", "nftables.yml"), *options, **join)

    def remove(self, *options: str) -> dict[str, Any]:
        """Take the units off; return the result of the module."""
        return self._run(task("Take off what loads it", "absent_nftables.yml"), *options)

    def _run(self, one: dict[str, Any], *options: str, **join: str) -> dict[str, Any]:
        variables = {
            "linux_firewall_join": join,
            "__linux_firewall_table": {"nft": "/usr/sbin/nft", "python": "/usr/bin/python3"},
            "__linux_firewall_unit_directory": str(self._directory),
            "__linux_firewall_directory": str(self.boot),
        }
        program = SYSTEMCTL.format(systemctl="/usr/bin/systemctl", root=self._parent)
        files = [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")]
        tasks = [
            {**one, "register": "done"},
            {
                "uc_firewall.pexip_sfb.controller_files": {
                    "directory": str(self._parent),
                    "files": [{"name": "done", "content": "{{ done | to_json }}"}],
                },
                "check_mode": False,
            },
        ]
        play = {"vars_files": files, "tasks": tasks}
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


def test_nothing_of_a_confirmation_outlives_the_removal() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/absent.yml").read_text(encoding="utf-8"))
    taken_off = [one.get("ansible.builtin.include_tasks") for one in tasks].index("absent_nftables.yml")
    confirmed = ["confirm_timeout" in one.get("uc_firewall.pexip_sfb.firewalld_objects", {}) for one in tasks]
    assert any(confirmed[:taken_off])
    assert not any(confirmed[taken_off:])
