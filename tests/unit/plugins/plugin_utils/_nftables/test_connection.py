# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.connection import (
    check_lets_in,
    parse_management_connection,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._nftables.table import Policy
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.intervals import IntervalSet
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import ANY_PORT

IPV4 = ["198.51.100.9", "50000", "198.51.100.2", "22"]
IPV6 = ["2001:db8::9", "50000", "2001:db8::2", "22"]
SSH: dict[str, t.Any] = {"name": "ssh", "protocol": "tcp", "source": ["198.51.100.9"], "destination_ports": [22]}


def check(words: list[str], *rules: dict[str, t.Any], **policy: t.Any) -> None:
    connection = parse_management_connection(words, "connection")
    assert connection
    settings: dict[str, t.Any] = {"hooks": ("input",), "rules": (), "management": parse_extra_rules(list(rules), "x")}
    check_lets_in(Policy(**{**settings, **policy}), connection, "linux_firewall_management")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (IPV4, SSH),
        (IPV4, {**SSH, "source": ["198.51.100.0/24"]}),
        (IPV4, {"name": "ssh", "protocol": "tcp"}),
        (IPV4, {**SSH, "destination": ["198.51.100.2"], "source_ports": ["1024-65535"]}),
        (["::ffff:198.51.100.9", "50000", "::ffff:198.51.100.2", "22"], SSH),
        (IPV6, {**SSH, "source": ["2001:db8::/64"]}),
        (["fe80::9%eth0", "50000", "fe80::2%eth0", "22"], {**SSH, "source": ["fe80::9"]}),
    ],
)
def test_a_rule_lets_ansible_in(words: list[str], rule: dict[str, t.Any]) -> None:
    check(words, rule)


@pytest.mark.parametrize(
    "change",
    [
        {"source": ["198.51.100.8"]},
        {"source": ["2001:db8::9"]},
        {"destination_ports": [2222]},
        {"destination": ["198.51.100.3"]},
        {"protocol": "udp"},
        {"hook": "forward"},
        {"source_ports": [50000]},
    ],
)
def test_a_rule_that_does_not_let_ansible_in(change: dict[str, t.Any]) -> None:
    with pytest.raises(PortMatrixError) as caught:
        check(IPV4, {**SSH, **change})
    assert str(caught.value) == (
        "linux_firewall_management: the ruleset would cut off Ansible itself, which connects from 198.51.100.9 to port "
        "22 of 198.51.100.2; accepted: a rule for hook input that lets it in, from any source port"
    )


def test_a_rule_of_the_users_own_counts_too() -> None:
    check(IPV4, management=(), extra_rules=parse_extra_rules([SSH], "x"))


def test_a_row_of_the_matrix_counts_too() -> None:
    connection = parse_management_connection(IPV4, "connection")
    assert connection
    row = Rule(
        "own_ssh", "", "custom", False, "", "tcp", "ipv4", (), IntervalSet(((connection.client, connection.client),)),
        ANY_PORT, (), IntervalSet(((connection.server, connection.server),)), IntervalSet(((22, 22),)), "input",
    )  # fmt: skip
    check(IPV4, rules=(row,))
    with pytest.raises(PortMatrixError, match="would cut off Ansible itself, which connects from 2001:db8::9"):
        check(IPV6, rules=(row,))


@pytest.mark.parametrize("policy", [{"hooks": ("forward",)}, {"enforce": False}])
def test_what_drops_nothing_to_the_host_cuts_nothing_off(policy: dict[str, t.Any]) -> None:
    check(IPV4, **policy)


def test_a_host_that_connects_to_itself_uses_the_loopback_interface() -> None:
    check(["198.51.100.2", "50000", "198.51.100.2", "22"])


def test_no_words_are_no_connection() -> None:
    assert parse_management_connection([], "connection") is None


@pytest.mark.parametrize("words", [["x"], ["a", "1", "b", "2"], [*IPV4[:3], "ssh"], [*IPV4, "x"]])
def test_words_that_are_no_connection(words: list[str]) -> None:
    with pytest.raises(PortMatrixError, match=r"connection: .* is not a connection; accepted: address and port"):
        parse_management_connection(words, "connection")
