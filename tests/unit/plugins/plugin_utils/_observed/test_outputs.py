# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An observation in its forms: on the screen, for programs and spreadsheets, as YAML and as metrics."""

from __future__ import annotations

import csv
import io
import json
import re
import typing as t

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.documents import (
    COLUMNS,
    as_csv,
    as_json,
    new_since,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import observe
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.prometheus import as_prometheus
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.proposed_file import (
    comment_lines,
    proposed_yaml,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.table import table_lines, warnings
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.vaulted import Vaulted
from example_site import HOSTILE
from observed_site import CLIENT, EVERYTHING, MEDIA, MONITOR, NODE, SCAN, SCANNER, SECOND, applied, observed, variables
from prometheus_client.parser import text_string_to_metric_families
from remembered import answer, flow


def test_the_table_has_a_section_for_each_kind_and_what_is_proposed() -> None:
    lines = table_lines(observed(EVERYTHING))
    assert lines[0] == "fw: 146 flows, lets it through"
    titles = [line for line in lines if re.fullmatch(r"\w.*:", line)]
    assert titles == [
        "Rows that are off:",
        "Hosts that an endpoint lacks:",
        "No row for this:",
        "Nothing is proposed for these. Have a look yourself:",
        "Scans, for which nothing is proposed:",
        "Proposed, in proposed.yml:",
        "This permits more than was seen:",
    ]
    assert "  203.0.113.66 tried 39 ports of 192.0.2.11: 39 packets at fw, last 2026-05-04T10:00:00Z" in lines
    assert "    row group platform permits this (row node_esp)" in lines


def test_a_scan_from_a_known_network_has_its_name() -> None:
    lines = table_lines(observed([{**one, "source": "198.18.0.9"} for one in SCAN]))
    assert any(line.startswith("  lan (198.18.0.9) tried 39 ports") for line in lines)


def test_many_addresses_of_a_network_are_one_line_where_nothing_else_differs() -> None:
    clients = [f"10.9.1.{number}" for number in range(1, 10)]
    lines = table_lines(
        observed([
            *(flow(client, NODE, "udp", 40000 + number) for number, client in enumerate(clients)),
            *(flow(NODE, client, "udp", 5000, 2) for client in clients),
            *(flow(client, SECOND, "udp", 40000) for client in clients[:7]),
        ])
    )  # fmt: skip
    shown = [line.split(" packet")[0].strip() for line in lines if " from " in line]
    assert shown[:3] == [
        f"UDP from node1 ({NODE}) to 9 addresses of 10.9.1.0/24 port 5000: 18",
        f"UDP from 9 addresses of 10.9.1.0/24 to node1 ({NODE}) port 40000-40008: 9",
        f"UDP from 10.9.1.1 to node2 ({SECOND}) port 40000: 1",
    ]
    assert len(shown) == 2 + 7
    known = [flow(f"198.18.0.{number}", NODE, "tcp", 9999) for number in range(1, 9)]
    assert (
        f"  TCP from lan (8 addresses of 198.18.0.0/24) to node1 ({NODE}) port 9999: 8 packets at fw (forward), last "
        in ("\n".join(table_lines(observed(known))))
    )


def test_a_scan_of_protocols_is_none_of_ports() -> None:
    lines = table_lines(observed([*SCAN, *(flow(SCANNER, NODE, str(number)) for number in range(140, 150))]))
    assert any(line.startswith(f"  {SCANNER} tried 49 ports and protocols of {NODE}") for line in lines)


def test_without_findings_the_table_says_so_and_a_long_one_is_cut() -> None:
    assert table_lines(observed([]))[-1] == "Everything that is remembered is permitted by now."
    old = flow(CLIENT, NODE, "tcp", 80, last_seen="2020-01-01T00:00:00Z")
    assert "1 flow left out, last seen before port_matrix_observed_since" in table_lines(
        observed([old], since="2026-01-01T00:00:00Z")
    )
    many = [flow(f"10.{number}.0.1", NODE, "tcp", 80) for number in range(45)]
    assert "  and 5 more" in table_lines(observed(many))


def test_a_problem_of_the_proposal_is_in_the_table() -> None:
    observation = observed(EVERYTHING)
    vars(observation.proposal)["problems"] = ("row group x cannot be proposed: y",)
    assert "  row group x cannot be proposed: y" in table_lines(observation)
    assert "# Not proposed: row group x cannot be proposed: y\n" in proposed_yaml(observation)
    assert json.loads(as_json(observation))["not_proposed"] == ["row group x cannot be proposed: y"]


def test_what_a_host_cannot_say_is_a_warning() -> None:
    observation = observe(
        variables(),
        {
            "a": {"unreachable": True, "msg": "no route"},
            "b": answer([], remembering=False),
            "c": answer([], full=True, entries=9, limit=9, enforcing=True),
            "d": answer([]),
        },
    )
    assert warnings(observation) == [
        "a: what it remembers is not in this: no route",
        "b: it remembers nothing; accepted: linux_firewall_enforce: false, or linux_firewall_remember: true, applied "
        "with the playbook site",
        "c: its memory is full (9 flows, 9 a set), so newer ones are not in this",
    ]
    assert table_lines(observation)[2] == "c: 9 flows, drops it, full at 9 a set"


def test_json_and_csv_have_the_same_columns() -> None:
    observation = observed(EVERYTHING)
    document = json.loads(as_json(observation))
    assert all(set(one) == set(COLUMNS) for one in document["flows"])
    assert document["gateways"][0]["gateway"] == "fw"
    lines = list(csv.DictReader(io.StringIO(as_csv(observation.findings))))
    assert [line["kind"] for line in lines] == [one["kind"] for one in document["flows"]]
    assert lines[0]["destination_ports"] == ""


def test_new_is_what_the_earlier_file_does_not_have() -> None:
    earlier = as_json(observed([*MEDIA, flow(MONITOR, NODE, "tcp", 9100)]))

    def new(*flows: t.Any) -> list[str]:
        return [one.what() for one in new_since(earlier, observed(list(flows)).findings, "baseline")]

    assert new(*MEDIA, *SCAN, flow(MONITOR, NODE, "tcp", 9100)) == []
    assert new(*MEDIA, flow(CLIENT, NODE, "udp", 40001)) == []  # between the others
    assert len(new(*MEDIA, flow(CLIENT, NODE, "udp", 45000))) == 1
    assert new(flow(MONITOR, NODE, "tcp", 9101)) == [f"TCP from {MONITOR} to node1 ({NODE}) port 9101"]
    assert new(flow(MONITOR, NODE, "esp")) == [f"ESP from {MONITOR} to node1 ({NODE})"]


@pytest.mark.parametrize("baseline", ["{", [], {}, {"flows": 5}, {"flows": ["x"]}])
def test_a_baseline_that_is_none_is_refused(baseline: object) -> None:
    with pytest.raises(PortMatrixError, match="port_matrix_observed_baseline"):
        new_since(baseline, [], "port_matrix_observed_baseline")


def test_the_file_has_the_evidence_and_nothing_is_proposed_where_nothing_is() -> None:
    text = proposed_yaml(observed(EVERYTHING))
    assert "# with platform, all of these rows apply: node_ike, node_esp, snmp_poll" in text
    assert f"  # UDP from {CLIENT} to node1 ({NODE}) port 40000-40198 (100 ports of these): 300 packets" in text
    assert yaml.safe_load(proposed_yaml(observed(SCAN))) == {}
    many = [flow(f"10.{number}.0.1", NODE, "tcp", 80) for number in range(25)]
    assert "and 1 more" not in proposed_yaml(observed(many))
    ports = [flow(f"10.0.0.{n}", f"192.0.2.{m}", "tcp", 9100) for n in range(6) for m in (10, 11, 13, 11)]
    assert len(yaml.safe_load(proposed_yaml(observed(ports)))["port_matrix_extra_rows"]) == 1


def test_more_evidence_than_anybody_reads_is_counted() -> None:
    flows = [flow(f"10.{n}.0.1", node, "tcp", 9100) for n in range(15) for node in (NODE, "192.0.2.13")]
    assert "  # and 10 more, which observed.json has" in proposed_yaml(observed(flows))


@pytest.mark.parametrize(("text", "name"), HOSTILE)
def test_hostile_texts_cannot_break_out_of_the_file(text: str, name: str) -> None:
    hosts = {**variables().hosts, name: {"port_matrix_addresses": ["192.0.2.99"]}}
    groups = {**variables().groups, "pexip_conferencing_nodes": ["node1", "node2", name]}
    row = {"id": "own", "purpose": text, "source": "client", "destination": "client", "protocols": "udp",
           "destination_ports": 7, "reference": text}  # fmt: skip
    site = variables(hosts=hosts, groups=groups, extra_rows=[row])
    flows = [*EVERYTHING, flow(MONITOR, "192.0.2.99", "tcp", 9100)]
    observation = observed(flows, site)
    after = applied(observation)
    assert t.cast("list[t.Any]", after.extra_rows)[0] == row
    assert {one.reason.kind for one in observed(flows, after).findings} <= {"scan", "unknown"}
    assert not any("\x1b" in line or "\u202e" in line for line in table_lines(observation))
    assert "\x1b" not in proposed_yaml(observation)
    if "{{" in text:
        assert "!unsafe" in proposed_yaml(observation)


def test_no_text_gets_out_of_a_comment() -> None:
    for end in ("\n", "\r", "\x85", "\u2028", "\u2029"):
        (line,) = comment_lines("", [f"x{end}port_matrix_allow_empty: [client]"])
        assert yaml.safe_load(f"{line}\n") is None


def test_what_is_in_a_vault_is_not_written() -> None:
    secret = Vaulted("10.66.0.0/16")
    row = {"id": "own", "purpose": Vaulted("hush"), "source": "client", "destination": "turn_server",
           "protocols": "udp", "destination_ports": 7}  # fmt: skip
    site = variables(endpoints={"client": {"networks": [secret]}}, extra_rows=[row])
    text = proposed_yaml(observed(EVERYTHING, site))
    assert "10.66" not in text
    assert "hush" not in text
    assert "# port_matrix_endpoints has values out of a vault, which are not written here" in text
    assert set(yaml.safe_load(text)) == {"port_matrix_row_groups"}
    assert "#   - id: observed_tcp_9100_to_node1" in text


def test_the_metrics_are_those_that_prometheus_reads() -> None:
    name = 'f"w\\1\n'
    counted = [
        {"chain": chain, "comment": "sip_signaling", "packets": 2**63, "bytes": 70}
        for chain in ("forward_judged", "forward_answers", "pexip_sfb_input")
    ]
    observation = observe(
        variables(), {name: answer(EVERYTHING, counters=counted), "fw2": {"failed": True, "msg": "x"}}
    )
    text = as_prometheus(observation)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    rules = {"port_matrix_observed_rule_packets", "port_matrix_observed_rule_bytes"}
    assert {name: family.type for name, family in families.items()} == {
        name: "counter" if name in rules else "gauge" for name in families
    }
    assert [(sample.name, sample.labels, sample.value) for sample in families[min(rules)].samples] == [
        ("port_matrix_observed_rule_bytes_total", {"gateway": name, "hook": hook, "rule": "sip_signaling"}, size)
        for hook, size in (("forward", 140), ("input", 70))
    ]
    assert f'{{gateway="f\\"w\\\\1\\n",hook="forward",rule="sip_signaling"}} {2**64}\n' in text
    assert all(family.documentation.endswith(".") for family in families.values())
    up = {sample.labels["gateway"]: sample.value for sample in families["port_matrix_observed_up"].samples}
    assert up == {name: 1, "fw2": 0}
    packets = families["port_matrix_observed_packets"].samples
    assert {"gateway": name, "kind": "row_group_off", "row": "node_esp"} in [sample.labels for sample in packets]
    assert sum(sample.value for sample in packets) == sum(one["packets"] for one in EVERYTHING)
    seen = families["port_matrix_observed_last_seen_timestamp_seconds"].samples[0]
    assert seen.value == 1777888800
