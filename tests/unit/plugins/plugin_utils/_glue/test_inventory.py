# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both inventory plugins do in an inventory of Ansible: hosts, port ranges, cache, and what is constructed."""

from __future__ import annotations

import typing as t
from pathlib import Path
from random import Random

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import inventory as glue
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.inventory import (
    SystemInventory,
    from_file,
    look_up,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.inventory_files import READ_FILES
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.client import Client
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.hosts import find_hosts as find_nodes
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.platform import read_platform
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.resources import read_resources
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.document import parse_xml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.hosts import (
    find_hosts as find_servers,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.topology import read_topology
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import SOURCES, Found, FoundHost
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.names import NameBook
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import given
from hypothesis import strategies as st
from known_systems import (
    Expected,
    PoolOf,
    Resources,
    builder_file,
    published,
    random_platforms,
    random_topologies,
    uri,
    with_uris,
)

try:
    from ansible.template import trust_as_template as trusted
except ImportError:  # before ansible-core 2.19, everything is

    def trusted(value: str) -> str:
        return value


FRONT_END = FoundHost("fe1.example", ("sfb_front_ends",), "topology", ("10.1.0.21",))
PROXY = FoundHost("SfB", ("pexip_mssip_proxies",), "mssip_proxy", ("10.1.0.21",), locations=("Oslo",))
NODE = FoundHost(
    "node1", ("pexip_conferencing_nodes",), "worker_vm", ("192.0.2.11",), facts={"pexip_dns_names": ["n1.example"]}
)
PEXIP = Found((NODE, PROXY), {}, {"pexip_ports": {"media": ["40000-49999"]}}, ("Something is odd",))
TOPOLOGY = Found(
    (FRONT_END,), {}, {"sfb_ports": {"psom": ["444"]}, "sfb_trusted_application_pools": {"p": ["n1.example", "x"]}}
)


class Display:
    """Keeps what a plugin says."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def v(self, text: str) -> None:
        self.notes.append(text)

    vvv = v


class System(SystemInventory):
    """A system that knows what a test gives it."""

    NAME = "uc_firewall.pexip_sfb.test"

    def __init__(self, found: Found | PortMatrixError, **options: t.Any) -> None:
        super().__init__()
        self.display = Display()
        self._found = found
        self._options = {
            "cache": False, "strict": False, "compose": {}, "groups": {}, "keyed_groups": [], "leading_separator": True,
            "use_extra_vars": False, **options,
        }  # fmt: skip
        self._cache = {}

    def find(self, path: str, use_cache: bool) -> tuple[Found, str, str]:
        if isinstance(self._found, PortMatrixError):
            raise self._found
        return self._found, "a system", "now"

    def _read_config_data(self, path: str) -> dict[str, t.Any]:
        return {"password": self._options.get("password")}

    def get_cache_key(self, path: str) -> str:
        return path


def read(*systems: System) -> InventoryData:
    inventory = InventoryData()
    for system in systems:
        system.parse(inventory, DataLoader(), "x.test.yml")
    return inventory


@pytest.mark.parametrize("order", [(PEXIP, TOPOLOGY), (TOPOLOGY, PEXIP)])
def test_a_machine_that_both_know_is_one_host(order: tuple[Found, ...]) -> None:
    systems = [System(found) for found in order]
    inventory = read(*systems)
    assert set(inventory.hosts) == {"fe1.example", "node1"}
    host = inventory.hosts["fe1.example"]
    assert {group.name for group in host.get_groups()} == {"sfb_front_ends", "pexip_mssip_proxies"}
    assert host.vars["port_matrix_addresses"] == ["10.1.0.21"]
    assert "port_matrix_location" not in host.vars
    assert [source["name"] for source in host.vars[SOURCES]] == ["SfB", "fe1.example"]
    assert host.vars[SOURCES][0] == {
        "system": "a system", "record": "mssip_proxy", "name": "SfB", "read": "now", "addresses": ["10.1.0.21"],
    }  # fmt: skip
    assert inventory.groups["all"].vars["port_matrix_ports"] == {"media": ["40000-49999"], "psom": ["444"]}
    assert "The host 'SfB' is 'fe1.example': they have the same address" in systems[1].display.notes
    said = systems[0].display.warnings + systems[1].display.warnings
    assert "Something is odd" in said
    assert any("has 'x', and the Management Node knows no such Conferencing Node" in text for text in said)


@given(random_platforms(), random_topologies(), st.randoms())
def test_a_random_site_reads_back_from_both_systems(
    platform: tuple[Resources, dict[str, Expected]],
    topology: tuple[list[PoolOf], dict[str, list[str]], dict[str, Expected], dict[str, list[str]]],
    random: Random,
) -> None:
    """Whichever is read first; and where Pexip calls a Front End by another name, it is that Front End."""
    (resources, expected), (pools, addresses, of_topology, ports) = platform, topology
    servers = sorted(name for name, found in of_topology.items() if "sfb_front_ends" in found.groups)
    expected = {**expected, **of_topology}
    if servers:
        name = random.choice(servers)
        ((address,),) = (of_topology[name].variables.values(),)
        (resources["mssip_proxy"], place) = (
            [{"id": 1, "name": "SfB", "address": address[0]}],
            resources["system_location"],
        )
        place[0]["mssip_proxy"] = uri("mssip_proxy", 1)
        expected[name] = Expected({"sfb_front_ends", "pexip_mssip_proxies"}, of_topology[name].variables)
    text = random.choice([builder_file, published])(pools, {1: "Oslo", 2: "Redmond"})
    systems = [
        find_nodes(read_platform(read_resources(Listed(resources))), NameBook({})),
        find_servers(read_topology(parse_xml(text.encode(), "t.xml"), "t.xml"), NameBook(addresses)),
    ]
    random.shuffle(systems)
    inventory = read(*map(System, systems))
    assert {
        name: Expected({group.name for group in host.get_groups()} - {"all", "ungrouped"}, of_the_matrix(host.vars))
        for name, host in inventory.hosts.items()
    } == expected
    all_ports = inventory.groups["all"].vars["port_matrix_ports"]
    assert {name: found for name, found in all_ports.items() if name in ports} == ports
    assert all_ports["media"] == ["40000-49999"]


def of_the_matrix(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in variables.items() if name.startswith("port_matrix_")}


class Listed(Client):
    """A client that has everything without asking."""

    def __init__(self, resources: Resources) -> None:
        self._resources = with_uris(resources)

    def objects(self, resource: str) -> list[t.Any]:
        return list(self._resources[resource])


def test_a_host_of_somebody_else_keeps_what_it_has() -> None:
    inventory = InventoryData()
    inventory.add_host("fe1.example")
    inventory.set_variable("fe1.example", "port_matrix_view", "local")
    System(TOPOLOGY).parse(inventory, DataLoader(), "x.test.yml")
    assert inventory.hosts["fe1.example"].vars["port_matrix_view"] == "local"


def test_what_somebody_wrote_before_is_replaced_with_a_warning() -> None:
    inventory = InventoryData()
    inventory.add_host("fe1.example")
    inventory.set_variable("fe1.example", "port_matrix_interfaces", {"x": ["10.1.0.99"]})
    inventory.set_variable("fe1.example", "port_matrix_location", "Redmond")  # of which the topology says nothing
    systems = [System(TOPOLOGY), System(PEXIP)]
    for system in systems:
        system.parse(inventory, DataLoader(), "x.test.yml")
    assert inventory.hosts["fe1.example"].vars["port_matrix_location"] == "Redmond"
    assert "port_matrix_interfaces" not in inventory.hosts["fe1.example"].vars
    assert inventory.hosts["fe1.example"].vars["port_matrix_addresses"] == ["10.1.0.21"]
    said = [text for system in systems for text in system.display.warnings if "fe1.example" in text]
    assert said == [
        "The host 'fe1.example' has port_matrix_interfaces in an inventory file that is read before this one, and "
        "what uc_firewall.pexip_sfb.test says takes its place. Write it in host_vars, or in a file that is read later"
    ]


def test_a_relative_path_begins_at_the_file_with_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert from_file("/etc/site/x.test.yml", "ca.pem") == "/etc/site/ca.pem"
    assert from_file("/etc/site/x.test.yml", "/ca.pem") == "/ca.pem"
    assert from_file("/etc/site/x.test.yml", "~/ca.pem") == "/home/me/ca.pem"


def test_a_contradiction_is_a_warning() -> None:
    other = System(Found((FoundHost("node2", (), "worker_vm", ("192.0.2.11",)),)))
    read(System(PEXIP), other)
    assert any("have the same address 192.0.2.11" in text for text in other.display.warnings)


def test_ranges_that_somebody_wrote_before_stay() -> None:
    inventory = InventoryData()
    inventory.set_variable("all", "port_matrix_ports", {"psom": [443, 8057], "avatar": 80})
    for system in (System(TOPOLOGY), System(PEXIP)):
        system.parse(inventory, DataLoader(), "x.test.yml")
    assert inventory.groups["all"].vars["port_matrix_ports"] == {
        "psom": [443, 8057], "avatar": 80, "media": ["40000-49999"],
    }  # fmt: skip
    assert inventory.groups["all"].vars["sfb_ports"] == {"psom": ["444"]}


def test_two_platforms_with_different_ranges_are_a_warning() -> None:
    other = System(Found((), {}, {"pexip_ports": {"media": ["30000-30999"]}}))
    ports = read(System(PEXIP), other).groups["all"].vars["port_matrix_ports"]
    assert ports == {"media": ["30000-30999", "40000-49999"]}
    assert other.display.warnings == ["Two systems have different ports for media, and the range has all of them"]


def test_what_is_wrong_is_said_and_nothing_is_added() -> None:
    inventory = InventoryData()
    with pytest.raises(AnsibleParserError, match=r"uc_firewall.pexip_sfb.test:\nurl: is not a URL"):
        System(PortMatrixError.at("url", "is not a URL")).parse(inventory, DataLoader(), "x.test.yml")
    assert not inventory.hosts
    assert READ_FILES not in inventory.groups["all"].vars


def test_a_file_that_was_read_has_a_mark() -> None:
    inventory = InventoryData()
    for system, path in (
        (System(TOPOLOGY), "b.test.yml"),
        (System(PEXIP), "a.test.yml"),
        (System(PEXIP), "a.test.yml"),
    ):
        system.parse(inventory, DataLoader(), path)
    assert inventory.groups["all"].vars[READ_FILES] == ["a.test.yml", "b.test.yml"]


def test_a_template_that_cannot_be_worked_out_leaves_no_mark() -> None:
    inventory = InventoryData()
    with pytest.raises(AnsibleError):
        System(TOPOLOGY, compose={"x": trusted("nothing.here")}, strict=True).parse(
            inventory, DataLoader(), "x.test.yml"
        )
    assert READ_FILES not in inventory.groups["all"].vars
    System(TOPOLOGY, compose={"x": trusted("nothing.here")}).parse(inventory, DataLoader(), "x.test.yml")
    assert "x" not in inventory.hosts["fe1.example"].vars


def test_variables_and_groups_are_constructed() -> None:
    system = System(
        TOPOLOGY,
        compose={"ansible_host": trusted("port_matrix_addresses[0]")},
        groups={"front": trusted("ansible_host is defined")},
        keyed_groups=[{"prefix": "at", "key": trusted("ansible_host")}],
    )
    host = read(system).hosts["fe1.example"]
    assert host.vars["ansible_host"] == "10.1.0.21"
    assert {"front", "at_10_1_0_21"} <= {group.name for group in host.get_groups()}


def test_only_files_of_its_own_name(tmp_path: Path) -> None:
    system = System(TOPOLOGY)
    for name in ("a.test.yml", "a.yml"):
        (tmp_path / name).touch()
    assert system.verify_file(str(tmp_path / "a.test.yml"))
    assert not system.verify_file(str(tmp_path / "a.yml"))
    assert not system.verify_file(str(tmp_path / "none.test.yml"))


def test_the_cache_is_for_what_was_asked_only() -> None:
    system = System(TOPOLOGY, cache=True)
    answers = iter(range(9))

    def ask() -> int:
        return next(answers)

    assert system.cached("x", True, {"url": "a"}, ask)[0] == 0
    assert system.cached("x", True, {"url": "a"}, ask)[0] == 0
    assert system.cached("x", False, {"url": "a"}, ask)[0] == 1  # the cache is to be made anew
    assert system.cached("x", True, {"url": "b"}, ask)[0] == 2
    system._options["cache"] = False
    assert system.cached("x", True, {"url": "b"}, ask)[0] == 3


def test_templates_are_worked_out_where_they_are_in_the_file_only() -> None:
    system = System(TOPOLOGY, password="literal", other="{{ 1 + 1 }}")
    read(system)
    assert system.option("password") == "literal"
    assert system.option("other") == "{{ 1 + 1 }}"


def test_what_dns_said_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(0, 0, 0, "", ("10.1.0.22", 0)), (0, 0, 0, "", ("10.1.0.21", 0)), (0, 0, 0, "", ("10.1.0.21", 0))]
    monkeypatch.setattr(glue.socket, "getaddrinfo", lambda *_arguments, **_more: answer)
    book = NameBook({}, look_up)
    book.addresses_of("fe1.example")
    system = System(TOPOLOGY)
    system.tell(book)
    assert system.display.notes == ["uc_firewall.pexip_sfb.test: DNS has for fe1.example 10.1.0.21, 10.1.0.22"]
