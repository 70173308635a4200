# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What firewalld is asked of its zones, and how often. With a real one: the Molecule scenario firewalld."""

from __future__ import annotations

import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.report import Group
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.zones import Zones


class Module:
    """What is used of AnsibleModule, on a host of which eth0 is in a zone."""

    def __init__(self, program: str | None = "/usr/bin/firewall-cmd") -> None:
        self._program = program
        self.asked: list[str] = []

    def get_bin_path(self, _name: str) -> str | None:
        return self._program

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        self.asked.append(command[1])
        if command[1] == "--get-default-zone":
            return 0, "public\n", ""
        return (0, "lan\n", "") if command[1].endswith("=eth0") else (2, "no zone\n", "")


def group(*interfaces: str, table: str = "inet firewalld") -> Group:
    return Group("a policy", table, "filter_FORWARD", "forward", "a packet", interfaces=list(interfaces))


def zones(module: Module) -> Zones:
    return Zones(t.cast("t.Any", module))


def test_interfaces_in_no_zone_are_named_with_what_binds_them() -> None:
    advice = zones(Module()).advice(group("eth0", "eth1", "eth2"))
    assert advice.startswith("eth1 and eth2 are in no zone of firewalld")
    assert "firewall-cmd --permanent --zone=public --add-interface=eth2, and the same again" in advice


def test_firewalld_is_asked_once_for_all_that_is_dropped() -> None:
    module = Module()
    asking = zones(module)
    of_first = [asking.advice(group("eth0", "eth1")) for _drop in range(50)]
    assert len(set(of_first)) == 1
    asking.advice(group("eth0"))
    assert module.asked == ["--get-zone-of-interface=eth0", "--get-zone-of-interface=eth1", "--get-default-zone"]


def test_nothing_is_asked_where_others_drop_or_firewalld_is_not_there() -> None:
    for module, table in ((Module(), "inet theirs"), (Module(program=None), "inet firewalld")):
        assert zones(module).advice(group("eth1", table=table)) == ""
        assert module.asked == []
