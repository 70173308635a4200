# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an observation has written, read again: the same words, and a clear error for what is something else."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.documents import as_json, new_since
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.earlier import read_observed
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.table import memory_line, scan_lines
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from observed_site import CLIENT, EVERYTHING, MANAGER, MONITOR, NODE, SCANNER, found, observed, variables
from remembered import answer, flow

HOST = 'f"w\\1\n'
EVERY_PORT = [flow(MANAGER, NODE, "tcp", port) for port in range(1, 65536)]


def read(*flows: t.Any) -> t.Any:
    return read_observed(as_json(observed(list(flows))), "W")


def test_each_finding_says_the_same_words_as_when_it_was_written() -> None:
    odd = [
        flow(MONITOR, NODE, "udp", 0),
        flow(MONITOR, NODE, "253"),
        flow(MONITOR, NODE, "tcp", 9200, 2**64 - 1),
        flow(MONITOR, NODE, "tcp", 9300, 2**64 - 1),
        flow("fe80::1", "ff02::fb", "udp", 5353),
    ]
    answers = {HOST: answer([*EVERYTHING, *odd], full=True, limit=3), "fw2": {"failed": True, "msg": "x"}}
    observation = observe(variables(), answers)
    earlier = read_observed(json.loads(as_json(observation)), "W")

    def words(findings: t.Any) -> t.Any:
        return [(one.pair, one.what(), one.how_much(), one.why(), one.ports, one.reason) for one in findings]

    assert words(earlier.findings) == words(observation.findings)
    assert [*map(memory_line, earlier.memories)] == [*map(memory_line, observation.memories)]
    assert scan_lines(earlier.findings) == scan_lines(observation.findings)
    assert earlier.proposed == observation.proposed()
    assert earlier.not_proposed == observation.proposal.problems


@pytest.mark.large
def test_all_ports_are_ports_when_they_are_read_again() -> None:
    (finding,) = read(*EVERY_PORT).findings
    assert finding.what() == f"TCP from manager ({MANAGER}) to node1 ({NODE}) port 1-65535"


def test_what_is_proposed_says_for_which_flows() -> None:
    observation = observed(EVERYTHING)
    for_flows = {one.what: {(found(observation)[place][1:3]) for place in one.flows} for one in observation.proposed()}
    assert for_flows["row group platform"] == {(MANAGER, NODE)}
    assert for_flows[f"{MONITOR} in endpoint snmp_manager"] == {(MONITOR, NODE)}
    assert for_flows[f"{CLIENT} in endpoint client"] == {(CLIENT, NODE), (NODE, CLIENT)}
    assert for_flows["row observed_tcp_9100_to_node1"] == {(MONITOR, NODE), (MONITOR, "192.0.2.13")}
    assert not any(SCANNER in pair for pairs in for_flows.values() for pair in pairs)


def test_an_address_is_for_all_that_it_permits() -> None:
    # Port 80 of IPv6 makes it a client, and the media of the node to it is permitted as well.
    client, node = "2001:db8:9::1", "2001:db8:1::11"
    observation = observed([flow(client, node, "tcp", 80), flow(client, node, "udp", 40000)])
    (one,) = observation.proposed()
    assert len(one.flows) == len(observation.findings)
    assert one.wider[0].startswith("what is in client may do all")


def test_port_0_in_an_earlier_file_is_no_error_and_no_news() -> None:
    flows = [flow(CLIENT, NODE, "tcp", 0)]
    observation = observed(flows)
    assert new_since(as_json(observation), observation.findings, "W") == []
    assert len(new_since(as_json(observed([])), observation.findings, "W")) == 1


def test_what_was_a_scan_and_is_none_now_is_news() -> None:
    scan = [flow(MONITOR, NODE, "tcp", port) for port in range(1, 40)]
    (finding,) = new_since(as_json(observed(scan)), observed(scan[:1]).findings, "W")
    assert finding.reason.kind == "missing_row"


@pytest.mark.parametrize(
    ("key", "changed", "message"),
    [
        ("flows", {"gateway": 5}, "W gateway: 5 is not a string"),
        ("flows", {"hook": "x"}, "W hook: unknown value 'x'"),
        ("flows", {"kind": "x"}, "W kind: unknown value 'x'"),
        ("flows", {"source": "x"}, "W source: 'x' is not an address"),
        ("flows", {"packets": "many"}, "W packets: 'many' is not a count"),
        ("flows", {"last_seen": "x"}, "W last_seen: 'x' is not a time"),
        ("flows", {"destination_ports": []}, "W destination_ports: '' is not a port"),
        ("flows", {"destination_ports": ["9-8"]}, "W destination_ports: '9-8' is not a port"),
        ("flows", {"destination_ports": ["65536"]}, "W destination_ports: '65536' is not a port"),
        ("gateways", {"full": "perhaps"}, "W full: 'perhaps' is not a boolean"),
        ("proposed", {"flows": [1]}, "W proposed: 1 is out of range"),
    ],
)
def test_what_is_something_else_is_an_error_that_says_where(key: str, changed: t.Any, message: str) -> None:
    document = json.loads(as_json(observed([flow(MONITOR, NODE, "tcp", 9100)])))
    document[key][0].update(changed)
    with pytest.raises(PortMatrixError) as caught:
        read_observed(document, "W")
    assert str(caught.value).startswith(message)
