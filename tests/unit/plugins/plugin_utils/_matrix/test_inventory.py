# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import datetime
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars, HostVarsVars
from ansible.vars.manager import VariableManager
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.hosts import parse_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import (
    SITE_VARIABLES,
    ReadOnce,
    check_uniform,
    collect_hosts,
    rules_of_hosts,
    to_plain,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError, shown
from lazy_mapping import Lazy


class Text(str):
    """A string of a subclass, as templating hands over."""

    __slots__ = ()


class Old(Sequence[str]):
    """What ansible-core before 2.19 makes of a vaulted value: a sequence of letters that is not a string."""

    __ENCRYPTED__ = True

    def __init__(self, text: str) -> None:
        self.data = text

    def __getitem__(self, index: t.Any) -> str:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)

    def __str__(self) -> str:
        return self.data


class VaultedValue:
    """The tag that later releases put onto a string."""


class Tagged(str):
    """A string with that tag, and with others."""

    __slots__ = ()
    _ansible_tags_mapping: t.ClassVar[dict[type, object]] = {int: 5, VaultedValue: VaultedValue()}


class Templated(Mapping[str, t.Any]):
    """Variables of a host as Ansible keeps them: as written, worked out when they are read, and that is counted."""

    def __init__(self, variables: dict[str, t.Any], reads: list[str]) -> None:
        self._vars = variables
        self._reads = reads

    def __getitem__(self, key: str) -> t.Any:
        self._reads.append(key)
        value = self._vars[key]
        return self._vars["own"] if value == "{{ own }}" else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._vars)

    def __contains__(self, key: object) -> bool:
        return key in self._vars

    def __len__(self) -> int:
        return len(self._vars)


def test_plain_data_has_builtin_types_all_the_way_down() -> None:
    plain = to_plain(Lazy({Text("a"): [Text("b"), (Text("c"), 5)], "d": Lazy({"e": None, "f": True})}))
    assert plain == {"a": ["b", ["c", 5]], "d": {"e": None, "f": True}}
    assert type(plain) in {dict}
    assert type(plain["d"]) in {dict}
    assert [type(key) for key in plain] == [str, str]
    assert type(plain["a"][0]) in {str}
    assert type(plain["a"][1]) in {list}
    assert type(plain["a"][1][0]) in {str}


@pytest.mark.parametrize("value", [5, 1.5, None, True, b"bytes", bytearray(b"b")])
def test_scalars_stay_what_they_are(value: object) -> None:
    assert to_plain(value) is value


@pytest.mark.parametrize("value", ["", Text("x"), Text("")])
def test_strings_become_builtin_strings(value: str) -> None:
    assert to_plain(value) == value
    assert type(to_plain(value)) in {str}


@pytest.mark.parametrize("value", [Old("192.0.2.1"), Tagged("192.0.2.1")], ids=["before 2.19", "since"])
def test_vaulted_values_are_strings_that_no_message_shows(value: object) -> None:
    plain = to_plain({"a": [value]})
    assert plain == {"a": ["192.0.2.1"]}
    assert shown(plain) == "{'a': [a vaulted value]}"
    assert type(to_plain(plain)["a"][0]) in {str}


@pytest.mark.parametrize("value", [Old("fe1.example"), Tagged("fe1.example")], ids=["before 2.19", "since"])
def test_an_error_about_a_vaulted_value_does_not_print_it(value: object) -> None:
    hosts = collect_hosts({"fe1": {"port_matrix_addresses": [value]}}, GROUPS, {}, [])
    with pytest.raises(PortMatrixError) as caught:
        parse_host("fe1", hosts["fe1"])
    assert str(caught.value).startswith("host 'fe1' port_matrix_addresses: a vaulted value is a host name")


GROUPS = {
    "all": ["fe1", "node1", "unrelated", "fw", "mine1"],
    "sfb_front_ends": ["fe1"],
    "pexip_conferencing_nodes": ["node1", "gone"],
    "mine": ["mine1"],
}


def _hostvars() -> Lazy:
    names = ("fe1", "node1", "unrelated", "fw", "mine1")
    return Lazy({name: Lazy({"ansible_host": Text("192.0.2.1"), "secret": "x"}) for name in names})


@pytest.mark.parametrize(
    ("endpoints", "play_hosts", "looked_at"),
    [
        ({}, [], ["fe1", "node1"]),
        ({}, ["fw", "fe1"], ["fe1", "fw", "node1"]),
        ({"edge": {"groups": ["mine"]}}, [], ["fe1", "mine1", "node1"]),
        ({"edge": {"groups": "mine"}}, [], ["fe1", "mine1", "node1"]),
        ({"edge": {"networks": ["192.0.2.0/24"]}}, [], ["fe1", "node1"]),
        ({"edge": {"groups": 5}}, [], ["fe1", "node1"]),
        ({"edge": {"groups": [{}, None]}}, [], ["fe1", "node1"]),
        ({"edge": "mine"}, [], ["fe1", "node1"]),
        (5, [], ["fe1", "node1"]),
    ],
)
def test_only_hosts_that_can_be_an_endpoint_are_read(
    endpoints: object, play_hosts: list[str], looked_at: list[str]
) -> None:
    hostvars = _hostvars()
    hosts = collect_hosts(hostvars, GROUPS, endpoints, play_hosts)
    assert list(hosts) == looked_at
    assert hostvars.reads == looked_at


def test_only_variables_that_the_core_reads_are_taken() -> None:
    hostvars = _hostvars()
    hosts = collect_hosts(hostvars, GROUPS, {}, [])
    assert hosts["fe1"] == {"ansible_host": "192.0.2.1", "inventory_hostname": "fe1"}
    assert hostvars.data["fe1"].reads == ["ansible_host"]


@pytest.mark.parametrize("name", SITE_VARIABLES)
@pytest.mark.parametrize(
    "values", [[["a"], ["b"]], [["a"], None], [["a"], ["a"], ["b"], ["c"]]], ids=["two values", "one unset", "three"]
)
def test_hosts_that_disagree_about_the_site_are_an_error(name: str, values: list[object]) -> None:
    hostvars: dict[str, dict[str, object]] = {
        f"h{i}": {} if value is None else {name: value} for i, value in enumerate(values)
    }
    with pytest.raises(PortMatrixError) as caught:
        check_uniform(hostvars, list(hostvars))
    other = "'h2'" if len(values) == 4 else "'h1'"
    assert str(caught.value) == (
        f"{name}: differs between the hosts 'h0', {other}; accepted: one value for all, in group_vars/all"
    )


def test_every_variable_that_differs_is_reported() -> None:
    hostvars: dict[str, dict[str, object]] = {
        "a": {"port_matrix_ports": {"sip": 1}, "port_matrix_rows": []},
        "b": {"port_matrix_ports": {}},
    }
    with pytest.raises(PortMatrixError) as caught:
        check_uniform(hostvars, ["a", "b"])
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "port_matrix_ports",
        "port_matrix_rows",
    ]


@pytest.mark.parametrize(
    "hostvars",
    [
        {},
        {"a": {}, "b": {}},
        {"a": {"port_matrix_ports": {"sip": 5062}}, "b": {"port_matrix_ports": {Text("sip"): 5062}}},
        {"a": {"port_matrix_view": "local"}, "b": {"port_matrix_view": "advertised"}},
    ],
    ids=["no host", "unset", "alike", "a variable of hosts"],
)
def test_hosts_that_agree_pass(hostvars: dict[str, dict[str, t.Any]]) -> None:
    check_uniform(hostvars, list(hostvars))


@pytest.mark.parametrize(
    ("written", "reads"),
    [
        ({"client": {"networks": ["192.0.2.0/24"], "interface": None}}, 1),
        ((5, True, 1.5), 1),
        (None, 1),
        ("{{ own }}", 20),
        (["{% if own %}"], 20),
        ({"{# own #}": 1}, 20),
        ("#jinja2:variable_start_string:'[%'\n[% own %]", 20),
        (b"what nobody knows", 20),
    ],
)
def test_what_is_written_alike_and_is_no_template_is_worked_out_once(written: object, reads: int) -> None:
    read: list[str] = []
    hosts = {f"h{i}": Templated({"port_matrix_endpoints": copy.deepcopy(written), "own": "x"}, read) for i in range(20)}
    check_uniform(hosts, list(hosts))
    assert read == ["port_matrix_endpoints"] * reads


def test_what_is_written_alike_can_be_a_template_of_what_is_not() -> None:
    hosts = {f"h{i}": Templated({"port_matrix_ports": "{{ own }}", "own": {"sip": i // 2}}, []) for i in range(4)}
    with pytest.raises(PortMatrixError, match="differs between the hosts 'h0', 'h2'"):
        check_uniform(hosts, list(hosts))


def test_what_is_written_in_another_way_can_be_the_same() -> None:
    written = [{"sip": 1}, "{{ own }}", {"sip": 1}]
    read: list[str] = []
    hosts = {
        f"h{i}": Templated({"port_matrix_ports": value, "own": {"sip": 1}}, read) for i, value in enumerate(written)
    }
    check_uniform(hosts, list(hosts))
    assert len(read) == 2


def test_ansible_itself_works_out_a_variable_of_the_site_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = "\n".join(f"h{i}" for i in range(20))
    (tmp_path / "hosts").write_text(f"{hosts}\n", encoding="utf-8")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(
        "port_matrix_endpoints: {client: {networks: [192.0.2.0/24]}}\n"
        'port_matrix_ports: {sip: "{{ inventory_hostname | length }}"}\n',
        encoding="utf-8",
    )
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(tmp_path / "hosts")])
    hostvars = HostVars(inventory, VariableManager(loader=loader, inventory=inventory), loader)
    read: list[str] = []
    original = HostVarsVars.__getitem__

    def counting(self: t.Any, key: str) -> t.Any:
        read.append(key)
        return original(self, key)

    monkeypatch.setattr(HostVarsVars, "__getitem__", counting)
    check_uniform(hostvars, [f"h{i}" for i in range(10)])
    assert sorted(read) == ["port_matrix_endpoints", *["port_matrix_ports"] * 10]
    with pytest.raises(PortMatrixError, match="port_matrix_ports: differs between the hosts 'h0', 'h10'"):
        check_uniform(hostvars, [f"h{i}" for i in range(20)])


def test_a_day_becomes_text() -> None:
    assert to_plain([datetime.date(2027, 3, 31)]) == ["2027-03-31"]


def test_hosts_that_were_read_are_not_read_again() -> None:
    hostvars = _hostvars()
    once = ReadOnce(hostvars)
    assert list(once) == list(hostvars)
    assert len(once) == 5
    assert "fe1" in once
    assert "nobody" not in once
    assert once["fe1"] is once["fe1"]
    assert hostvars.reads == ["fe1"]


def test_rules_of_a_host_are_taken_where_they_are_plain_values() -> None:
    rules = [{"name": "ssh", "protocol": "tcp"}]
    hostvars = {
        "a": Templated({"linux_firewall_extra_rules": rules, "other": 1}, []),
        "b": Templated({"linux_firewall_extra_rules": [{"name": "{{ own }}"}], "linux_firewall_management": "ssh"}, []),
        "c": {"linux_firewall_extra_rules": rules},  # who knows how it is written
    }
    assert rules_of_hosts(hostvars, hostvars) == {
        "a": {"linux_firewall_extra_rules": rules},
        "b": {"linux_firewall_management": "ssh"},
        "c": {},
    }
