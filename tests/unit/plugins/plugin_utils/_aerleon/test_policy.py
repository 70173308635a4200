# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy and definitions, as aerleon's own commands read them."""

from __future__ import annotations

import re

from example_site import GROUPS, HOSTILE, NTP, NTP_SERVER, example_site, hostile_site
from other_firewalls import every_protocol, policy_of

NAME = re.compile(r"[A-Z][A-Z0-9_]*_(V[46]|TCP|UDP|SCTP)")


def test_a_term_has_what_people_ask_about_a_rule() -> None:
    row = {**NTP, "owner": "UC team", "ticket": "CHG-4711", "expires": "2027-03-31"}
    policy = policy_of(example_site([row], endpoints=NTP_SERVER))
    (rule, term) = policy.terms[-1]
    assert term == {
        "name": term["name"],
        "comment": "ntp, Time, owner UC team, ticket CHG-4711, until 2027-03-31",
        "owner": "UC-team",
        "expiration": "2027-03-31",
        "source-address": "CONFERENCING_NODE_OR_TURN_SERVER_V4",
        "destination-address": "NTP_SERVER_V4",
        "protocol": "udp",
        "destination-port": "P_123_UDP",
        "action": "accept",
    }
    assert re.fullmatch(r"R[0-9A-Z]{6}-udp-4", term["name"])
    networks = policy.definitions["networks"]
    assert networks["CONFERENCING_NODE_OR_TURN_SERVER_V4"] == {
        "values": [{"name": "NODE1_V4"}, {"name": "NODE2_V4"}, {"name": "TURN1_V4"}]
    }
    assert networks["TURN1_V4"] == {"values": [{"address": "198.51.100.41/32", "comment": "turn1"}]}
    assert policy.definitions["services"]["P_123_UDP"] == [{"protocol": "udp", "port": "123"}]
    assert rule.row == "ntp"


def test_an_owner_without_a_letter_is_one_all_the_same() -> None:
    policy = policy_of(example_site([{**NTP, "owner": "???"}], endpoints=NTP_SERVER))
    assert policy.terms[-1][1]["owner"] == "unknown"


def test_names_are_apart_whatever_hosts_are_called() -> None:
    names = [
        "conferencing-node",
        "conferencing_node",
        "Conferencing.Node",
        "conferencing-node-4-0",
        "1",
        "\u00e9",
        "x" * 99,
    ]
    hostvars = {name: {"port_matrix_addresses": [f"192.0.2.{50 + i}"]} for i, name in enumerate(names)}
    policy = policy_of(example_site(hostvars=hostvars, groups={**GROUPS, "pexip_conferencing_nodes": names}))
    networks = policy.definitions["networks"]
    assert all(NAME.fullmatch(name) for name in (*networks, *policy.definitions["services"]))
    addresses = {one["address"] for network in networks.values() for one in network["values"] if "address" in one}
    assert {f"192.0.2.{50 + i}/32" for i in range(len(names))} <= addresses
    # On some platforms the networks of X are X_0, X_1 and so on.
    numbered = {f"{name}_{number}" for name in networks for number in range(10)}
    assert not numbered & set(networks)


def test_hostile_texts_are_comments_and_nothing_else() -> None:
    for text, name in HOSTILE:
        policy = policy_of(hostile_site(text, name))
        comments = [term["comment"] for _rule, term in policy.terms]
        comments += [one.get("comment", "") for net in policy.definitions["networks"].values() for one in net["values"]]
        assert all(re.fullmatch(r"[A-Za-z0-9 .,:()/_+-]*", comment) for comment in comments)
        assert all(NAME.fullmatch(network) for network in policy.definitions["networks"])


def test_the_same_site_is_the_same_policy() -> None:
    assert policy_of(every_protocol()) == policy_of(every_protocol())
