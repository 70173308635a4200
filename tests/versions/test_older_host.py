# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A managed host with the programs of Debian 11, in the hands of the lowest and the highest ansible-core of the matrix.

Run by `tests/checks/versions`, whose lab it needs. One host lives through all of it, so the tests stand in that order.
What they assert they see from the host's console, which no firewall rule can stop.
"""

from __future__ import annotations

import functools
import json
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
ADDRESS = yaml.safe_load((HERE / "lab.yml").read_text(encoding="utf-8"))["all"]["hosts"]["debian11"]["ansible_host"]
LOWEST, HIGHEST = "core217", "core221"
TABLE = ("nft", "-s", "list", "table", "inet", "pexip_sfb")
GO_BACK = "pexip-sfb-firewall-go-back.service"
VARIABLES = {
    "own_address": ADDRESS,
    # Both controllers: the default lets the one in that applies the change.
    "linux_firewall_management": [
        {"name": "controllers", "protocol": "tcp", "source": ["198.19.141.0/24"], "destination_ports": [22]}
    ],
    # What is compared before and after must not depend on when answers of older flows stop.
    "linux_firewall_older_flows": 0,
}
LOCKOUT = """table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {
    chain input { type filter hook input priority filter; policy drop; }
    chain output { type filter hook output priority filter; policy drop; }
}
"""
# What changes by itself on a running system, and the place where Ansible unpacks its modules.
PASSED_OVER = [
    "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/root/.ansible", "/var/lib/systemd/timers",
    "/var/cache/ldconfig", "/versions",
]  # fmt: skip


class Played(t.NamedTuple):
    """How a play ended, and all that it said."""

    succeeded: bool
    output: str

    @property
    def words(self) -> str:
        """What it said in one line, without the ends of lines that Ansible put in."""
        return " ".join(self.output.split())

    @property
    def difference(self) -> list[str]:
        """The lines of its diffs that something adds or removes, without empty ones."""
        marked = (line for line in self.output.splitlines() if line.startswith(("+", "-")))
        return [line for line in marked if line[1:].strip() and not line.startswith(("+++", "---"))]

    @property
    def changed(self) -> bool:
        """Whether it changed something; the play has to have succeeded."""
        assert self.succeeded, self.output
        (recap,) = (line for line in self.output.splitlines() if line.startswith("turn1 ") and " changed=" in line)
        return " changed=0 " not in recap


def play(controller: str, playbook: str, *options: str, **variables: t.Any) -> Played:
    """Play it against the host, with the ansible-core of *controller*."""
    environment = {
        "PYTHONPATH": "/versions/site", "LC_ALL": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": "/versions",
        "ANSIBLE_INJECT_FACT_VARS": "false", "ANSIBLE_HOST_KEY_CHECKING": "false", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }  # fmt: skip
    done = subprocess.run(
        [
            "podman", "exec", *(f"--env={name}={value}" for name, value in environment.items()),
            "--workdir=/versions/ansible_collections/uc_firewall/pexip_sfb", f"pexip-sfb-versions-{controller}",
            "/versions/bin/ansible-playbook", "--inventory=tests/versions/site.yml", "--diff", *options,
            f"--extra-vars={json.dumps({**VARIABLES, **variables})}", playbook,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
    )  # fmt: skip
    return Played(done.returncode == 0, done.stdout)


site = functools.partial(play, HIGHEST, "uc_firewall.pexip_sfb.site")


def console(*command: str, check: bool = True) -> str:
    """Run a program on the host, not over SSH; return what it prints."""
    whole = ["podman", "exec", "pexip-sfb-versions-debian11", *command]
    done = subprocess.run(whole, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def snapshot() -> dict[str, list[str]]:
    """The ruleset, every file with its kind, mode, owner, size and target, and what systemd has enabled."""
    pruned = " -o ".join(f"-path {path}" for path in PASSED_OVER).split()
    kinds = ["%p %y %m %U:%G %l ", "(", "-type", "f", "-printf", "%s", "-o", "-true", ")", "-printf", "\n"]
    files = console("find", "/", "-xdev", "(", *pruned, ")", "-prune", "-o", "-printf", *kinds)
    units = console("systemctl", "list-unit-files", "--no-legend", "--no-pager").splitlines()
    return {
        "ruleset": console("nft", "-s", "list", "ruleset").splitlines(),
        "files": sorted(files.splitlines()),
        "units": sorted(line for line in units if " transient " not in line),  # without login sessions
    }


@pytest.fixture(scope="module")
def before() -> dict[str, list[str]]:
    """What the host was before the first run."""
    return snapshot()


def test_the_host_is_as_old_as_promised() -> None:
    assert console("python3", "--version").startswith("Python 3.9.")
    assert console("nft", "--version").startswith("nftables v0.9.8 ")
    assert console("systemctl", "--version").startswith("systemd 247 ")


@pytest.mark.parametrize("options", [["--check"], []], ids=["check mode", "run"])
def test_an_older_firewalld_is_refused_before_anything_is_tried(
    before: dict[str, list[str]], options: list[str]
) -> None:
    console("systemctl", "start", "firewalld.service")
    console("firewall-cmd", "--list-all")  # it answers when its own rules are in the kernel
    ruleset, files = console("nft", "-s", "list", "ruleset"), snapshot()["files"]
    refused = site(*options)
    assert not refused.succeeded
    assert "firewalld 0.9.3 is in charge of this host. Only from 1.0 on can a rule have an ipset as" in refused.words
    assert "(systemctl disable --now firewalld)" in refused.words
    assert (console("nft", "-s", "list", "ruleset"), snapshot()["files"]) == (ruleset, files)
    console("systemctl", "stop", "firewalld.service")
    assert snapshot() == before


def test_joining_a_table_is_refused_as_this_nft_crashes_on_it(before: dict[str, list[str]]) -> None:
    console("nft", "add", "table", "inet", "theirs")
    console("nft", "add", "chain", "inet", "theirs", "input", "{ type filter hook input priority 5; policy accept; }")
    listed = console("nft", "list", "ruleset")
    refused = site(linux_firewall_join={"table": "theirs"})
    assert not refused.succeeded
    assert "nft itself crashed. nft 0.9.8 does so where rules join a table of others" in refused.words, refused.output
    assert console("nft", "list", "ruleset") == listed
    console("nft", "delete", "table", "inet", "theirs")
    assert snapshot() == before


def test_the_lowest_controller_puts_the_firewall_on(before: dict[str, list[str]]) -> None:
    assert before["ruleset"] == []
    assert play(LOWEST, "uc_firewall.pexip_sfb.site").changed
    listed = console(*TABLE)
    assert 'comment "media_nodes_to_turn"' in listed
    assert console("systemctl", "is-enabled", "pexip-sfb-firewall.service").strip() == "enabled"
    # As at boot.
    console("nft", "delete", "table", "inet", "pexip_sfb")
    console("systemctl", "restart", "pexip-sfb-firewall.service")
    assert console(*TABLE) == listed


def test_a_second_run_changes_nothing_even_by_another_controller() -> None:
    listed = console(*TABLE)
    again = site()
    assert not again.changed, again.output
    assert again.difference == []
    assert console(*TABLE) == listed


def _without_one_rule(listed: str) -> tuple[list[str], list[str]]:
    """How somebody takes one rule out, and the difference to what is wanted."""
    (rule,) = (line for line in listed.splitlines() if 'comment "media_nodes_to_turn"' in line and " udp " in line)
    with_handles = console("nft", "-s", "-a", "list", "table", "inet", "pexip_sfb").splitlines()
    (handle,) = (line.rpartition(" ")[2] for line in with_handles if line.startswith(f"{rule} # handle "))
    return ["nft", "delete", "rule", "inet", "pexip_sfb", "input", "handle", handle], [f"+{rule}"]


def _with_a_rule_more(_listed: str) -> tuple[list[str], list[str]]:
    rule = "tcp dport 4444 accept"
    return ["nft", "insert", "rule", "inet", "pexip_sfb", "input", *rule.split()], [f"-\t\t{rule}"]


def _without_the_table(listed: str) -> tuple[list[str], list[str]]:
    # What is in the set of older flows comes and goes by itself, and is no difference.
    lines = [line for line in listed.splitlines() if line and "timeout 1d" not in line]
    return ["nft", "delete", "table", "inet", "pexip_sfb"], [f"+{line}" for line in lines]


@pytest.mark.parametrize("drift", [_without_one_rule, _with_a_rule_more, _without_the_table])
def test_drift_is_reported_and_just_that_is_repaired(
    drift: t.Callable[[str], tuple[list[str], list[str]]],
) -> None:
    listed = console(*TABLE)
    command, difference = drift(listed)
    console(*command)
    drifted = console("nft", "-s", "list", "ruleset")
    reported = site("--check")
    assert reported.changed
    # The kernel lists sets by their age, and the module by their names.
    assert sorted(reported.difference) == sorted(difference), reported.output
    assert console("nft", "-s", "list", "ruleset") == drifted
    repaired = site()
    assert repaired.changed
    assert repaired.difference == reported.difference
    assert console(*TABLE) == listed


def test_a_change_that_locks_out_is_taken_back_by_the_host_itself() -> None:
    listed = console(*TABLE)
    lockout = play(HIGHEST, "tests/faults/playbooks/lockout.yml", linux_firewall_confirm_timeout=10, ruleset=LOCKOUT)
    assert not lockout.succeeded
    assert "The change was made and taken back again, because no new connection to the host worked" in lockout.words
    assert "The change of the firewall was not confirmed" in console("journalctl", "--no-pager", f"--unit={GO_BACK}")
    assert console(*TABLE) == listed
    unchanged = site("--check")
    assert not unchanged.changed, unchanged.output


@pytest.mark.parametrize(("controller", "changed"), [(LOWEST, True), (HIGHEST, False)])
def test_removing_leaves_the_host_as_it_was(before: dict[str, list[str]], controller: str, changed: bool) -> None:
    assert play(controller, "uc_firewall.pexip_sfb.remove").changed is changed
    after = snapshot()
    assert {name: set(after[name]) ^ set(before[name]) for name in before} == {name: set() for name in before}
    assert after == before
