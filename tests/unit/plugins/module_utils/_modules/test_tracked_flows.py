# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listings that a test cannot have the kernel make at will, and hosts that lack a program."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._flows.tracked import End, read_flows
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import tracked_flows
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.tracked_flows import Host

TCP = (
    "tcp      6 431999 ESTABLISHED src=192.0.2.2 dst=198.51.100.2 sport=40000 dport=5061 "
    "src=198.51.100.2 dst=192.0.2.2 sport=5061 dport=40000 [ASSURED] mark=0 use=1\n"
)
UDP = (
    "udp      17 29 src=2001:db8::2 dst=2001:db8:1::2 sport=40000 dport=3478 [UNREPLIED] "
    "src=2001:db8:1::2 dst=2001:db8::2 sport=3478 dport=40000 mark=0 use=1\n"
)
COUNTED = (
    "tcp      6 431999 ESTABLISHED src=192.0.2.2 dst=192.0.2.1 sport=40001 dport=8080 packets=3 bytes=164 "
    "src=198.51.100.2 dst=198.51.100.1 sport=5061 dport=51000 packets=2 bytes=112 [ASSURED] mark=0 use=1\n"
)


def test_flows_of_both_families_are_read() -> None:
    (tcp,) = read_flows("ipv4", TCP)
    (udp,) = read_flows("ipv6", UDP)
    assert str(tcp) == "tcp 192.0.2.2:40000 to 198.51.100.2:5061"
    assert str(udp) == "udp [2001:db8::2]:40000 to [2001:db8:1::2]:3478"
    assert (tcp.reached, tcp.answered) == (tcp.destination, tcp.source)
    assert " ".join(udp.arguments()) == "-f ipv6 -p udp -s 2001:db8::2 -d 2001:db8:1::2 --sport 40000 --dport 3478"


def test_who_is_reached_behind_a_translation_is_read() -> None:
    (flow,) = read_flows("ipv4", COUNTED)
    assert (flow.destination, flow.reached) == (End("192.0.2.1", 8080), End("198.51.100.2", 5061))
    assert flow.answered == End("198.51.100.1", 51000)


@pytest.mark.parametrize(
    "line",
    [
        TCP.replace("ESTABLISHED", "TIME_WAIT"),
        TCP.replace("ESTABLISHED", "CLOSE"),
        TCP.replace("mark=0", "mark=0 zone=7"),
        TCP.replace("dport=5061 src", "dport=5061 zone-orig=7 src"),
        "icmp     1 29 src=192.0.2.2 dst=198.51.100.2 type=8 code=0 id=1 src=198.51.100.2 dst=192.0.2.2 type=0 id=1",
        "unknown  47 599 src=192.0.2.2 dst=198.51.100.2 src=198.51.100.2 dst=192.0.2.2 mark=0 use=1",
        "",
    ],
)
def test_what_is_over_or_no_flow_of_ours_is_left_out(line: str) -> None:
    assert list(read_flows("ipv4", f"{line}\n{TCP}")) == list(read_flows("ipv4", TCP))


class FailedError(Exception):
    """The module failed."""


class Module:
    """A host with some of the programs, whose ``conntrack`` lists *flows*, and *expected* ones among them."""

    def __init__(self, *programs: str, flows: str = "", expected: str = "", error: str = "") -> None:
        self.params: dict[str, t.Any] = {"table": "inet pexip_sfb"}
        self._programs = programs
        self._flows, self._expected, self._error = flows, expected, error

    def get_bin_path(self, name: str, opt_dirs: list[str]) -> str | None:
        return name if name in self._programs else None

    def run_command(self, command: list[str], data: str = "") -> tuple[int, str, str]:
        if self._error:
            return 1, "", self._error
        return 0, self._expected if "EXPECTED" in command else self._flows if "ipv4" in command else "", ""

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise FailedError(result["msg"])


def test_a_missing_program_is_named_with_its_package() -> None:
    missing = r"conntrack was not found on this host: install the package conntrack \(elsewhere conntrack-tools\)"
    with pytest.raises(FailedError, match=missing):
        Host(t.cast("t.Any", Module()))


def test_where_no_ruleset_can_be_read_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(tracked_flows, "read_ruleset", refuse)
    with pytest.raises(FailedError, match="Which flows nothing permits cannot be told: Operation not permitted"):
        Host(t.cast("t.Any", Module("conntrack", flows=TCP))).judged()


def test_a_flow_that_a_helper_expected_is_left_alone() -> None:
    other = TCP.replace("40000", "40002")
    module = Module("conntrack", flows=TCP + other, expected=other)
    assert Host(t.cast("t.Any", module))._flows() == list(read_flows("ipv4", TCP))


def test_what_conntrack_refuses_is_told() -> None:
    host = Host(t.cast("t.Any", Module("conntrack", error="conntrack v1.4.7: Operation not permitted")))
    (flow,) = read_flows("ipv4", TCP)
    with pytest.raises(FailedError, match=r"could not be listed: .*Operation not permitted"):
        host.judged()
    with pytest.raises(FailedError, match=r"could not be ended: .*Operation not permitted"):
        host.end(flow)


def test_a_flow_that_ended_by_itself_is_no_failure() -> None:
    gone = "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted."
    (flow,) = read_flows("ipv4", TCP)
    assert Host(t.cast("t.Any", Module("conntrack", error=gone))).end(flow) is False
