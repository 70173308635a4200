# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as functions: what they take, what they return, and how they fail."""

from __future__ import annotations

import datetime
import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.uc_firewall.pexip_sfb.plugins.filter import (
    expand,
    firewalld_objects,
    linux_firewall_result,
    nftables_ruleset,
    observed,
    port_matrix_report,
    query,
    rows,
    sample_packets,
    site,
    unpermitted_flows,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.protocols import ACCEPTED as PROTOCOLS
from ansible_collections.uc_firewall.pexip_sfb.plugins.test import permitted
from lazy_mapping import Lazy
from remembered import flow

GROUPS = {
    "all": ["node1", "fe1", "fw", "unrelated"],
    "pexip_conferencing_nodes": ["node1"],
    "sfb_front_ends": ["fe1"],
    "port_matrix_gateways": ["fw"],
}
HOSTVARS: dict[str, dict[str, t.Any]] = {
    "node1": {"port_matrix_addresses": ["192.0.2.11"]},
    "fe1": {"ansible_host": "198.51.100.21"},
    "fw": {"ansible_host": "fw.example"},
    "unrelated": {"port_matrix_addresses": "nonsense"},
}
MESH = {"id": "mesh", "source": "front_end", "destination": "front_end", "protocols": "tcp", "destination_ports": 444}
ONLY_SIP = [row for row in rows.rows([]) if row["id"] == "sip_signaling"]


def _site(own_rows: list[dict[str, t.Any]] = ONLY_SIP, **arguments: t.Any) -> dict[str, t.Any]:
    return site.site(HOSTVARS, GROUPS, own_rows, **arguments)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (expand, "expand"),
        (nftables_ruleset, "nftables_ruleset"),
        (observed, "observed"),
        (port_matrix_report, "port_matrix_report"),
        (query, "query"),
        (rows, "rows"),
        (sample_packets, "sample_packets"),
        (site, "site"),
    ],
)
def test_each_file_has_the_filter_of_its_name(module: t.Any, name: str) -> None:
    filters = module.FilterModule().filters()
    assert list(filters) == [name]
    assert callable(filters[name])


def test_the_file_of_a_test_has_the_test_of_its_name() -> None:
    assert list(permitted.TestModule().tests()) == ["permitted"]


def test_a_question_reads_only_the_hosts_that_it_is_about() -> None:
    hostvars = Lazy({**HOSTVARS, "pc7": {"ansible_host": "198.51.100.21"}})
    answer = query.query(_site(), "pc7", "node1", "tcp", destination_port=5061, hostvars=hostvars)
    assert (answer["permitted"], answer["rows"]) == (True, ["sip_signaling"])
    assert set(hostvars.reads) == {"pc7", "node1"}
    assert permitted.permitted(_site(), "192.0.2.11", "fe1", "tcp") is True
    assert permitted.permitted(_site(), "node1", "fe1", "udp") is False
    # Of a group or a network, all has to be permitted.
    groups = {"nodes": ["node1"], "all": ["node1", "pc8"]}
    for source, whole in (("192.0.2.0/24", False), ("nodes", True), ("all", False)):
        hostvars = {**HOSTVARS, "pc8": {"ansible_host": "203.0.113.8"}}
        question = query.query(_site(), source, "fe1", "TCP", None, "sip", hostvars=hostvars, groups=groups)
        assert (question["permitted"], question["in_part"]) == (True, not whole)
        assert permitted.permitted(_site(), source, "fe1", "tcp", hostvars=hostvars, groups=groups) is whole


def test_a_report_has_its_files_and_what_to_say() -> None:
    result = port_matrix_report.port_matrix_report(_site(), ["csv"], "gateway:fw", gateways=["fw"])
    assert [file["name"] for file in result["files"]] == [
        "port-matrix-gateway-fw.csv",
        "port-matrix-gateway-fw-pairs.csv",
    ]
    assert result["text"][0].startswith("What must be open on the firewall fw, in the addresses that it sees.")


def test_a_site_reads_only_hosts_that_can_be_an_endpoint() -> None:
    hostvars = Lazy({**HOSTVARS, **{f"h{number}": {} for number in range(1000)}})
    site.site(hostvars, {**GROUPS, "others": [f"h{number}" for number in range(1000)]}, ONLY_SIP)
    assert sorted(hostvars.reads) == ["fe1", "node1"]


def test_a_site_reads_the_hosts_of_the_play_too() -> None:
    hostvars = Lazy(HOSTVARS)
    site.site(hostvars, GROUPS, ONLY_SIP, play_hosts=["fw"])
    assert set(hostvars.reads) == {"fe1", "node1", "fw"}


def test_hosts_of_the_play_that_disagree_are_an_error() -> None:
    hostvars = {**HOSTVARS, "fw": {"port_matrix_ports": {"sip": 5062}}}
    with pytest.raises(AnsibleFilterError, match="port_matrix_ports: differs between the hosts 'fe1', 'fw'"):
        site.site(hostvars, GROUPS, ONLY_SIP, play_hosts=["fe1", "fw"])


def test_unset_options_are_the_defaults() -> None:
    assert _site(ports=None, endpoints=None, allow_empty=[]) == _site()


def test_rules_of_a_site_have_no_hook_and_those_of_a_host_do() -> None:
    built = _site()
    assert [("hook" in rule) for rule in expand.expand_filter(built)] == [False, False]
    assert [rule["hook"] for rule in expand.expand_filter(built, "fe1")] == ["input", "output"]
    assert [rule["hook"] for rule in expand.expand_filter(built, "fw", "forward")] == ["forward", "forward"]


def test_sample_packets_are_those_of_the_hooks_of_the_host() -> None:
    built = _site()

    def hooks(*arguments: t.Any, **options: t.Any) -> set[str]:
        return {packet["hook"] for packet in sample_packets.sample_packets_filter(built, *arguments, **options)}

    assert hooks("fe1") == {"input"}
    assert hooks("fe1", egress=True) == {"input", "output"}
    assert hooks("fw", gateway=True) == {"forward"}
    with pytest.raises(
        AnsibleFilterError, match="sample_packets:\nhost 'fw': is neither an endpoint of an enabled row"
    ):
        hooks("fw")


def test_a_ruleset_has_the_chains_of_the_host() -> None:
    built = _site()
    assert "chain output" not in nftables_ruleset.nftables_ruleset(built, "fe1")
    assert "chain output" in nftables_ruleset.nftables_ruleset(built, "fe1", egress=True)
    assert "chain forward_judged" in nftables_ruleset.nftables_ruleset(built, "fw", gateway=True)
    everything = nftables_ruleset.nftables_ruleset(built, "fw", gateway=True, judged_endpoints="all")
    assert "chain forward_judged" not in everything
    assert "policy drop" in everything


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rows.rows([], ["sip"]),
            "rows:\nport_matrix_disabled_rows: there is no row 'sip'; accepted: conference_avatar,",
        ),
        (
            lambda: _site(ports={"sip": 0}),
            "site:\nport_matrix_ports.sip: 0: port 0 is out of range; accepted: a port 1-65535,",
        ),
        (
            lambda: _site(endpoints={"edge": {"groups": True}}),
            "site:\nport_matrix_endpoints.edge.groups: True is not a list; accepted: a list",
        ),
        (lambda: _site(endpoints=[5]), "site:\nport_matrix_endpoints: [5] is not a mapping; accepted: a mapping"),
        (
            lambda: expand.expand_filter(_site(), 5),
            "expand:\nhost: 5 is not a string; accepted: the name of an inventory host",
        ),
        (
            lambda: expand.expand_filter(_site(), "fe1", ["up"]),
            "expand:\nhooks: unknown value 'up'; accepted: forward, input, output",
        ),
        (
            lambda: expand.expand_filter({"rows": []}),
            "expand:\nsite: has no endpoints; accepted: what the filter site returned",
        ),
        (
            lambda: port_matrix_report.port_matrix_report(_site(), scope="everything"),
            "port_matrix_report:\nport_matrix_report_scope: 'everything' is not a scope; accepted: site, host:NAME",
        ),
        (
            lambda: query.query(_site(), "node1", "fe9"),
            "query:\ndestination: 'fe9' is not a host with an address, an endpoint or a group; "
            "accepted: the name of a host",
        ),
        (
            lambda: permitted.permitted(_site(), "node1", "fe1", "x"),
            f"permitted:\nprotocol: unknown value 'x'; accepted: {PROTOCOLS}",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(_site(), "fw"),
            "nftables_ruleset:\nhost 'fw': is neither an endpoint of an enabled row nor a gateway, "
            "so there is nothing to apply; accepted: a host in a group of an endpoint or in port_matrix_gateways",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(_site(), "fe1", egress="maybe"),
            "nftables_ruleset:\nlinux_firewall_egress: 'maybe' is not a boolean; accepted: true or false",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(_site(), "fe1", enforce="maybe"),
            "nftables_ruleset:\nlinux_firewall_enforce: 'maybe' is not a boolean; accepted: true or false",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(_site(), "fe1", observe_only=True),
            "nftables_ruleset:\nlinux_firewall_observe_only: true, and linux_firewall_enforce is true as well",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(
                _site(), "fe1", enforce=False, observe_only=True, join={"table": "filter"}
            ),
            "nftables_ruleset:\nlinux_firewall_observe_only: true, and linux_firewall_join puts rules into a table",
        ),
        (
            lambda: unpermitted_flows.unpermitted_flows(_site(), "fe1", [], days=0),
            "unpermitted_flows:\nlinux_firewall_observed_days: 0 is out of range; accepted: 1 to 365",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(_site(), "fe1", extra_rules=[{"name": "x"}]),
            "nftables_ruleset:\nlinux_firewall_extra_rules: {'name': 'x'} has no protocol; accepted: a mapping with",
        ),
        (
            lambda: nftables_ruleset.nftables_ruleset(_site(), "fe1", management=5),
            "nftables_ruleset:\nlinux_firewall_management: 5 is not a list; accepted: a list",
        ),
    ],
)
def test_an_error_names_the_filter_and_what_is_wrong(call: t.Callable[[], object], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        call()
    assert str(caught.value).startswith(f"uc_firewall.pexip_sfb.{message}")


def test_judging_an_unknown_endpoint_names_the_variable() -> None:
    with pytest.raises(AnsibleFilterError, match=r"linux_firewall_judged_endpoints: unknown .*'edeg'"):
        nftables_ruleset.nftables_ruleset(_site(), "fw", gateway=True, judged_endpoints=["edeg"])


def test_who_is_judged_does_not_matter_on_a_host_that_is_no_gateway() -> None:
    built = site.site(HOSTVARS, GROUPS, [{**MESH, "destination": "sfb_server"}])
    assert "chain input" in nftables_ruleset.nftables_ruleset(built, "fe1")


def test_the_answer_is_made_of_what_the_host_was_given_and_of_what_became_of_it() -> None:
    text = nftables_ruleset.nftables_ruleset(_site(), "fw", gateway=True)
    rows = [row["id"] for row in ONLY_SIP]
    answer = linux_firewall_result.linux_firewall_result(text, "fw", rows, {"changed": True, "confirmed_in": 0.8})
    assert re.fullmatch(
        r"fw: 2 rules of 1 row, revision [0-9a-f]{12}, changed, confirmed over a new connection in 0.8 s",
        answer["text"],
    )
    objects = firewalld_objects.firewalld_objects(_site(), "fw", gateway=True)
    answer = linux_firewall_result.linux_firewall_result(objects, "fw", also_changed="yes", check=True, enforce="no")
    assert re.fullmatch(r"fw: \d+ rules, revision [0-9a-f]{12}, would change, observing: drops nothing", answer["text"])
    assert answer["rows"] is None


def test_flows_that_are_too_old_are_no_reason_to_stop() -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    seen = {
        "hook": "input", "family": "ipv4", "protocol": "tcp", "source": "192.0.2.99", "destination": "198.51.100.21",
        "destination_port": 22, "packets": 1, "bytes": 60,
    }  # fmt: skip
    flows = [
        {**seen, "last_seen": (now - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")} for days in (2, 8)
    ]
    found = {days: unpermitted_flows.unpermitted_flows(_site(), "fe1", flows, days=days) for days in (1, 7, 30)}
    assert [len(found[days]["refused"]) for days in (1, 7, 30)] == [0, 1, 2]
    assert found[7]["refused"][0].startswith("TCP from 192.0.2.99 to 198.51.100.21 port 22 (input), packets 1,")
    assert (
        unpermitted_flows.unpermitted_flows(_site(), "fw", flows, gateway=True, judged_endpoints="all")["doubtful"]
        == []
    )


def test_what_is_observed_is_written_in_each_form_and_with_text_where_ansible_has_some() -> None:
    asked = {"fw": {"flows": [flow("192.0.2.99", "192.0.2.11", "tcp", 9100)], "remembering": True}}
    found = observed.observed(asked, HOSTVARS, GROUPS, ONLY_SIP, {"strict_clients": "false"}, baseline='{"flows": []}')
    assert set(found) == {
        "table", "json", "csv", "proposed", "prometheus", "new", "not_asked", "remembering",
    }  # fmt: skip
    assert found["new"][0].startswith("TCP from 192.0.2.99 to node1 (192.0.2.11) port 9100")
    assert "port_matrix_rows:" in found["proposed"]
    with pytest.raises(AnsibleFilterError, match=r"uc_firewall\.pexip_sfb\.observed:\nhost 'fw'"):
        observed.observed({"fw": {"flows": 5}}, HOSTVARS, GROUPS, ONLY_SIP)
