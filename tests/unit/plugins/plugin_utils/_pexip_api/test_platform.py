# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random and special platforms: which node is in which group, with which address, and what Pexip itself calls wrong."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.client import Answer, Client
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.hosts import find_hosts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.platform import read_platform
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.resources import read_resources
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import Found, FoundHost
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.names import NameBook
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import given
from known_systems import Expected, Resources, location, platform, random_platforms, uri, with_uris, worker

OSLO = location(1, "Oslo")


class Listed(Client):
    """A client that has everything without asking."""

    def __init__(self, resources: Resources) -> None:
        super().__init__("", _nobody, str, lambda _seconds: None, lambda: 0.0)
        self._resources = with_uris(resources)

    def objects(self, resource: str) -> list[Mapping[str, t.Any]]:
        return list(self._resources[resource])


def _nobody(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    raise AssertionError(url)


def found(resources: Resources, addresses: dict[str, t.Any] | None = None, **options: t.Any) -> Found:
    book = NameBook(addresses)
    return find_hosts(read_platform(read_resources(Listed(resources))), book, **options)


def host(result: Found, name: str) -> FoundHost:
    (one,) = (host for host in result.hosts if host.name == name)
    return one


def refusal(resources: Resources, **options: t.Any) -> str:
    with pytest.raises(PortMatrixError) as raised:
        found(resources, **options)
    return str(raised.value)


@given(random_platforms())
def test_a_random_platform_reads_back(made: tuple[Resources, dict[str, Expected]]) -> None:
    resources, expected = made
    result = found(resources)
    read = {
        h.name: Expected(
            set(h.groups), {key: value for key, value in h.variables().items() if key.startswith("port_matrix_")}
        )
        for h in result.hosts
    }
    assert read == expected
    assert result.ports["media"] == ["40000-49999"]
    assert result.ports["signalling"] == ["33000-39999"]


def test_nothing_secret_is_kept() -> None:
    place = location(1, "Oslo", dns_servers=[{"address": "192.0.2.53", "password": "secret-of-dns"}])
    kept = read_resources(Listed(platform(system_location=[place], worker_vm=[worker(1, "node1", 1, "192.0.2.11")])))
    assert "secret" not in repr(kept)


def test_a_node_has_what_else_is_known_of_it() -> None:
    node = worker(1, "node1", 1, "192.0.2.11", alternative_fqdn="Node1.Example", maintenance_mode=True)
    one = host(found(platform(system_location=[OSLO], worker_vm=[node])), "node1")
    assert one.facts == {
        "pexip_node_type": "conferencing",
        "pexip_dns_names": ["node1.example", "node1.vc.example"],
        "pexip_maintenance_mode": True,
    }


def test_a_node_without_a_hostname_has_no_name_of_it() -> None:
    node = worker(1, "node1", 1, "192.0.2.11", hostname="", domain="")
    assert host(found(platform(system_location=[OSLO], worker_vm=[node])), "node1").facts["pexip_dns_names"] == []


def test_a_management_node_behind_nat() -> None:
    manager = {**platform()["management_vm"][0], "static_nat_address": "203.0.113.5", "ipv6_address": "2001:db8::5"}
    assert host(found(platform(management_vm=[manager])), "manager").interfaces == {
        "management": ({"address": "192.0.2.5", "advertised": "203.0.113.5"}, "2001:db8::5"),
        "internode": ("192.0.2.5", "2001:db8::5"),
    }


def test_nodes_that_transcode_for_another_location_are_in_its_group_too() -> None:
    places = [location(1, "Oslo", transcoding_location=uri("system_location", 2)), location(2, "Core")]
    nodes = [worker(1, "edge1", 1, "192.0.2.11", node_type="PROXYING"), worker(2, "core1", 2, "192.0.2.12")]
    result = found(platform(system_location=places, worker_vm=nodes))
    assert host(result, "core1").groups[0] == "pexip_transcoding_nodes"


def test_a_location_filter_takes_what_is_used_there() -> None:
    places = [
        location(1, "Oslo", turn_server=uri("turn_server", 1), dns_servers=[uri("dns_server", 1)]),
        location(2, "London", turn_server=uri("turn_server", 2), dns_servers=[uri("dns_server", 2)]),
    ]
    turn = [{"id": n, "name": f"turn{n}", "address": f"198.51.100.{n}", "port": 3478} for n in (1, 2)]
    dns = [{"id": n, "address": f"203.0.113.{n}"} for n in (1, 2)]
    nodes = [worker(n, f"node{n}", n, f"192.0.2.1{n}") for n in (1, 2)]
    resources = platform(system_location=places, turn_server=turn, dns_server=dns, worker_vm=nodes)
    result = found(resources, wanted=["London"])
    assert [h.name for h in result.hosts] == ["203.0.113.2", "manager", "node2", "turn2"]
    assert result.warnings == ()
    assert refusal(resources, wanted=["Paris"]) == "locations: no location is called 'Paris'; accepted: London, Oslo"


def test_the_group_of_a_location_can_be_said() -> None:
    resources = platform(system_location=[OSLO], worker_vm=[worker(1, "node1", 1, "192.0.2.11")])
    result = found(resources, node_groups={"Oslo": "pexip_transcoding_nodes"})
    assert host(result, "node1").groups == ("pexip_transcoding_nodes", "pexip_location_oslo")
    assert "node_groups: no location is called 'Olso'" in refusal(
        resources, node_groups={"Olso": "pexip_transcoding_nodes"}
    )
    assert "node_groups 'Oslo': unknown value 'nodes'" in refusal(resources, node_groups={"Oslo": "nodes"})


def test_servers_of_the_management_node_are_hosts_too() -> None:
    manager = {
        **platform()["management_vm"][0],
        "ntp_servers": [{"address": "ntp.example"}],
        "dns_servers": ["192.0.2.53"],
    }
    manager["dns_servers"] = [{"address": "192.0.2.53"}]
    manager["syslog_servers"] = [{"address": "192.0.2.53"}]
    result = found(platform(management_vm=[manager]), {"NTP.example": "192.0.2.123"})
    assert host(result, "192.0.2.53").groups == ("dns_servers", "syslog_servers")
    assert host(result, "192.0.2.53").record == "dns_server and syslog_server"
    assert host(result, "ntp.example").variables() == {"port_matrix_addresses": ["192.0.2.123"]}


def test_a_name_without_an_address_is_a_warning() -> None:
    place = location(1, "Oslo", mssip_proxy=uri("mssip_proxy", 1), ntp_servers=[{"address": "ntp.example"}])
    proxy = {"id": 1, "name": "SfB", "address": "Pool.example", "port": 5061, "transport": "tls"}
    result = found(platform(system_location=[place], mssip_proxy=[proxy]))
    assert result.warnings == (
        "The server 'ntp.example' is a name, and has no address here. Set it in addresses, or resolve: true",
        "The Skype for Business server 'pool.example' is a name, and has no address here. Set it in addresses, or "
        "resolve: true",
    )
    assert host(result, "SfB").groups == ("pexip_mssip_proxies",)
    assert host(result, "SfB").variables() == {"port_matrix_location": ["Oslo"]}


def test_servers_that_share_a_name_get_names_of_their_own() -> None:
    place = location(1, "Oslo", mssip_proxy=uri("mssip_proxy", 1), turn_server=uri("turn_server", 1))
    proxy = {"id": 1, "name": "node1", "address": "10.1.0.21"}
    turn = {"id": 1, "name": "node1", "address": "198.51.100.1"}
    resources = platform(
        system_location=[place],
        mssip_proxy=[proxy],
        turn_server=[turn],
        worker_vm=[worker(1, "node1", 1, "192.0.2.11")],
    )
    assert [h.name for h in found(resources).hosts] == [
        "manager",
        "node1",
        "node1 (mssip_proxy)",
        "node1 (turn_server)",
    ]


def test_locations_that_break_a_rule_of_pexip_are_warnings() -> None:
    nodes = [
        worker(1, "node1", 1, "192.0.2.11", static_nat_address="203.0.113.11"),
        worker(2, "node2", 1, "192.0.2.12", node_type="PROXYING"),
        worker(3, "node3", 2, "192.0.2.13"),
    ]
    result = found(platform(system_location=[location(1, "a b"), location(2, "a-b")], worker_vm=nodes))
    assert result.warnings == (
        "The location 'a b' mixes proxying and transcoding nodes, which Pexip advises against",
        "The location 'a b' has nodes with static NAT, and 'node2' without, which Pexip says must not share a location",
        "The locations 'a b' and 'a-b' share the group pexip_location_a_b",
    )


def test_turn_servers_that_do_not_fit_are_warnings() -> None:
    places = [location(n, f"L{n}", turn_server=uri("turn_server", n)) for n in (1, 2)]
    turn = [
        {"id": 1, "name": "turn1", "address": "198.51.100.1", "port": 443, "transport_type": "tls"},
        {"id": 2, "name": "turn2", "address": "198.51.100.2", "port": 3478, "transport_type": "udp"},
        {"id": 3, "name": "turn3", "address": "198.51.100.3"},
    ]
    result = found(platform(system_location=places, turn_server=turn))
    assert result.ports["turn"] == ["443", "3478"]
    assert result.warnings == (
        "The TURN server 'turn3' is left out, as no location uses it",
        "The TURN server 'turn1' is used over TLS, and the port matrix has UDP",
        "TURN servers have the ports 443, 3478, and the range turn has all of them for each",
    )
    assert {h.name for h in result.hosts} == {"manager", "turn1", "turn2"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"worker_vm": [worker(1, "node1", 9, "192.0.2.11")]}, f"system_location: '{uri('system_location', 9)}' is no"),
        ({"worker_vm": [worker(1, "node1", 1, "node1")]}, "worker_vm 'node1' address: 'node1' is a host name"),
        ({"worker_vm": [worker(1, "node1", 1, "127.0.0.1")]}, "is a loopback address"),
        ({"worker_vm": [worker(1, "n", 1, "192.0.2.11", node_type=None)]}, "worker_vm 'n' node_type: unknown value No"),
        ({"worker_vm": [worker(1, "", 1, "192.0.2.11")]}, f"worker_vm '{uri('worker_vm', 1)}' name: is empty"),
        ({"worker_vm": [worker(1, "{{ x }}", 1, "192.0.2.11")]}, "holds what Ansible takes for a template"),
        ({"worker_vm": [worker(1, "manager", 1, "192.0.2.11")]}, "two are called 'manager'; accepted: names of their "),
        ({"worker_vm": [worker(1, "n", 1, "192.0.2.11", secondary_address=7)]}, "worker_vm 'n' secondary_address: 7 i"),
        ({"system_location": [location(1, "Oslo", turn_server="/x/")]}, "system_location 'Oslo' turn_server: '/x/' is"),
        ({"system_location": [location(1, "Oslo", dns_servers=["/x/"])]}, "dns_servers: '/x/' is not a server that th"),
        ({"system_location": [location(1, "Oslo", dns_servers=[7])]}, "dns_servers: 7 is not a server that the Man"),
        ({"system_location": [location(1, "Oslo", dns_servers={"a": 1})]}, "system_location 'Oslo' dns_servers: is no"),
        ({"system_location": [location(1, "Oslo", dns_servers=[{}])]}, "dns_servers: None is not a string"),
        ({"turn_server": [{"id": 1, "name": "t", "address": "198.51.100.1", "port": 0}]}, "turn_server 't' port: 0 is"),
        ({"turn_server": [{"id": 1, "name": "t", "address": True}]}, "turn_server 't' address: True is not a string"),
        ({"global": []}, "global: 0 records; accepted: one"),
        ({"global": [{"id": 1}]}, "global media_ports_start: None is not a port; accepted: 1-65535"),
    ],
)  # fmt: skip
def test_what_is_needed_is_read_strictly(changed: Resources, message: str) -> None:
    assert message in refusal(platform(**{"system_location": [OSLO], **changed}))
