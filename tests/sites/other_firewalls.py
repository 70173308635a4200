# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site with every protocol for aerleon, and readers of the configurations that it writes.

Each reader gives what a configuration permits, flattened: protocol, source, source port, destination, destination port.
They are written from the manuals of the platforms, and share nothing with aerleon or the core.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
import typing as t
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from xml.etree import ElementTree

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.policy import Policy, make_policy
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.pairs import Pairs
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.report import build_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.scope import Scope
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from example_site import MESH, NTP, NTP_SERVER, example_site

Permission = tuple[str, str, str, str, str]

_BETWEEN = {"source": "conferencing_node", "destination": "front_end"}
ROWS: list[dict[str, t.Any]] = [
    {**NTP, "owner": "UC team", "ticket": "CHG-4711", "expires": "2027-03-31"},
    MESH,
    *({**_BETWEEN, "id": f"own_{name}", "protocols": name} for name in ("esp", "ah", "gre", "icmp", "icmpv6", "vrrp")),
    *({**_BETWEEN, "id": f"own_{number}", "protocols": number} for number in (89, 254)),
    {**_BETWEEN, "id": "own_sctp", "protocols": "sctp", "source_ports": 2905, "destination_ports": 3868},
    {**_BETWEEN, "id": "own_any", "protocols": ["tcp", "udp"], "destination_ports": "any"},
    {**_BETWEEN, "id": "own_source", "protocols": "tcp", "source_ports": "4000-4999", "destination_ports": "any"},
]
_NAMES = {
    "icmp6": "icmpv6", "ipv6-icmp": "icmpv6", "58": "icmpv6", "1": "icmp", "6": "tcp", "17": "udp", "47": "gre",
    "50": "esp", "51": "ah", "112": "vrrp", "132": "sctp", "ipsec-esp": "esp", "ipsec-ah": "ah", "ospf": "89",
}  # fmt: skip
_PORT_NAMES = {"https": "443", "www": "80", "http": "80", "ntp": "123", "isakmp": "500", "ldap": "389", "ssh": "22"}


def every_protocol() -> Site:
    """The example site, with rows for every protocol in both families, and a mesh."""
    return example_site(ROWS, endpoints=NTP_SERVER)


def policy_of(site: Site) -> Policy:
    report = build_report(site, Scope(), "t")
    return make_policy(report.rules, report.rule_numbers.of_rules, Pairs(report, site).entries)


def permissions_of(rules: Iterable[Rule]) -> set[Permission]:
    """What *rules* permit, flattened. Where any destination port is permitted, 0, which nobody uses, is not."""
    found = set()
    for rule in rules:
        data = rule.as_mapping()
        sources, destinations = data["source_ports"] or ["any"], data["destination_ports"] or ["any"]
        if rule.has_ports:
            destinations = data["destination_ports"] or ["1-65535"]
        found.update(
            (rule.protocol, *permission)
            for permission in itertools.product(data["source"], sources, data["destination"], destinations)
        )
    return found


def _ends(value: str) -> tuple[int, int]:
    """The first and the last of a network, of a range of ports, or of any port."""
    if value == "any":
        return 0, 65535
    if "-" in value or value.isdigit():
        first, _hyphen, last = value.partition("-")
        return int(first), int(last or first)
    network = ipaddress.ip_network(value)
    return int(network[0]), int(network[-1])


def boundaries(permissions: Iterable[Permission]) -> list[list[int]]:
    """Where something begins or has ended, for sources, source ports, destinations and destination ports."""
    found: list[set[int]] = [set(), set(), set(), set()]
    for permission in permissions:
        for ends, value in zip(found, permission[1:], strict=True):
            first, last = _ends(value)
            ends.update((first, last + 1))
    return [sorted(ends) for ends in found]


def cells(permissions: Iterable[Permission], ends: list[list[int]]) -> set[tuple[str | int, ...]]:
    """*permissions* in the smallest parts that the boundaries *ends* cut, so that two lists can be compared."""
    found: set[tuple[str | int, ...]] = set()
    for protocol, *values in permissions:
        parts = []
        for begins, value in zip(ends, values, strict=True):
            first, last = _ends(value)
            parts.append(begins[bisect_left(begins, first) : bisect_left(begins, last + 1)])
        family = 6 if ":" in values[0] else 4
        found.update((protocol, family, *cell) for cell in itertools.product(*parts))
    return found


def _network(words: list[str], wildcard: bool) -> str:
    """Take one address off *words*, as lists of Cisco and Arista write it."""
    word = words.pop(0)
    if word == "host":
        return str(ipaddress.ip_network(words.pop(0)))
    if "/" in word:
        return str(ipaddress.ip_network(word))
    mask = words.pop(0)
    if wildcard:
        mask = str(ipaddress.IPv4Address(0xFFFFFFFF ^ int(ipaddress.IPv4Address(mask))))
    return str(ipaddress.ip_network(f"{word}/{mask}"))


def _ports(words: list[str]) -> str:
    if words[:1] == ["eq"]:
        word = words[1]
        del words[:2]
        return word if word.isdigit() else _PORT_NAMES[word]
    if words[:1] == ["range"]:
        first, last = (_PORT_NAMES.get(word, word) for word in words[1:3])
        del words[:3]
        return f"{first}-{last}"
    return "any"


def _of_access_lists(text: str) -> Iterator[Permission]:
    is_ipv6 = False
    for line in text.splitlines():
        is_ipv6 = line.startswith("ipv6 ") or (is_ipv6 and not line.startswith("ip"))
        _start, permit, rest = line.partition("permit ")
        if not permit or " remark " in line:
            continue
        words = rest.split()
        protocol = _NAMES.get(words[0], words.pop(0))
        if is_ipv6 and protocol == "icmp":  # as NX-OS writes it
            protocol = "icmpv6"
        wildcard = not line.startswith("access-list")
        source, source_port = _network(words, wildcard), _ports(words)
        destination, destination_port = _network(words, wildcard), _ports(words)
        assert not words, line
        yield protocol, source, source_port, destination, destination_port


def _of_openconfig(text: str) -> Iterator[Permission]:
    for one in json.loads(text):
        for entry in one["acl-entries"]["acl-entry"]:
            assert entry["actions"]["config"]["forwarding-action"] == "ACCEPT"
            (addresses,) = (entry[family]["config"] for family in ("ipv4", "ipv6") if family in entry)
            ports = entry.get("transport", {}).get("config", {})
            source, destination = (
                str(ports.get(f"{side}-port", "any")).replace("..", "-") for side in ("source", "destination")
            )
            protocol = str(addresses["protocol"])
            yield (
                _NAMES.get(protocol, protocol), addresses["source-address"], source, addresses["destination-address"],
                destination,
            )  # fmt: skip


def _of_proxmox(text: str) -> Iterator[Permission]:
    for line in text.splitlines():
        if line.startswith("FORWARD ACCEPT "):
            words = line.partition(" #")[0].split()[2:]
            said = dict(zip(words[::2], words[1::2], strict=True))
            protocol = said.pop("-proto")
            assert said.pop("-icmp-type", "any") == "any"
            lists = [said.pop(key, "any").split(",") for key in ("-source", "-sport", "-dest", "-dport")]
            assert not said, line
            yield from ((_NAMES.get(protocol, protocol), *one) for one in itertools.product(*lists))


def _of_paloalto(text: str) -> Iterator[Permission]:
    root = ElementTree.fromstring(text)
    vsys = root.find("./devices/entry/vsys/entry")
    assert vsys is not None

    def members(entry: ElementTree.Element, path: str) -> list[str]:
        return [one.text or "" for one in entry.findall(f"{path}/member")]

    networks = {one.get("name"): one.findtext("ip-netmask") for one in vsys.findall("./address/entry")}
    groups = {
        one.get("name"): [networks[name] for name in members(one, "static")]
        for one in vsys.findall("./address-group/entry")
    }
    services = {}
    for one in vsys.findall("./service/entry"):
        ((protocol),) = one.findall("./protocol/*")
        services[one.get("name")] = [
            protocol.tag,
            *((protocol.findtext(port) or "any").split(",") for port in ("source-port", "port")),
        ]
    for rule in vsys.findall("./rulebase/security/rules/entry"):
        assert rule.findtext("action") == "allow"
        source, destination = (
            [network for name in members(rule, side) for network in groups[name]] for side in ("source", "destination")
        )
        ((service),) = members(rule, "service")
        ((application),) = members(rule, "application")
        if service == "application-default":
            protocol_name, ports = _NAMES.get(application, application), [["any"], ["any"]]
        else:
            protocol_name, *ports = services[service]
            assert application in ("any", protocol_name)
        for one in itertools.product(source, ports[0], destination, ports[1]):
            yield (protocol_name, *one)  # type: ignore[misc]


def _blocks(text: str, of: str) -> dict[str, dict[str, str]]:
    """The entries of each ``config`` *of* FortiOS: name → setting → what it is set to."""
    found: dict[str, dict[str, str]] = {}
    for block in re.findall(rf"^config firewall {of}\n(.*?)^end", text, re.DOTALL | re.MULTILINE):
        for name, body in re.findall(r"^ *edit (\S+)\n(.*?)^ *next", block, re.DOTALL | re.MULTILINE):
            found[name] = dict(re.findall(r"^ *set (\S+) (.*)$", body, re.MULTILINE))
    return found


def _of_fortigate(text: str) -> Iterator[Permission]:
    networks = {
        **{name: [str(ipaddress.ip_network(one["subnet"].replace(" ", "/")))]
           for name, one in _blocks(text, "address").items()},
        **{name: [one["ip6"]] for name, one in _blocks(text, "address6").items()},
    }  # fmt: skip
    for kind in ("addrgrp", "addrgrp6"):
        for name, one in _blocks(text, kind).items():
            networks[name] = [network for member in one["member"].split() for network in networks[member.strip('"')]]
    services = _blocks(text, "service custom")
    for policy in _blocks(text, "policy").values():
        assert policy["action"] == "accept"
        end = "6" if "srcaddr6" in policy else ""
        source, destination = (
            [network for name in policy[f"{side}addr{end}"].split() for network in networks[name.strip('"')]]
            for side in ("src", "dst")
        )
        ((key, ranges),) = services[policy["service"].strip('"')].items()
        for one in ranges.split():
            port, _colon, source_port = one.partition(":")
            for pair in itertools.product(source, destination):
                yield key.partition("-")[0], pair[0], source_port or "any", pair[1], port


def _of_junos_filter(text: str) -> Iterator[Permission]:
    for term in re.findall(r"^ *term \S+ \{\n(.*?)then accept;", text, re.DOTALL | re.MULTILINE):

        def listed(key: str, term: str = term) -> list[str]:
            block = re.search(rf"^ *{key} \{{(.*?)\}}", term, re.DOTALL | re.MULTILINE)
            if block:
                return re.findall(r"([0-9a-f.:]+/\d+);", block[1])
            line = re.search(rf"^ *{key} (.*);", term, re.MULTILINE)
            return line[1].strip("[ ]").split() if line else ["any"]

        (protocol,) = listed("protocol") if "protocol " in term else listed("next-header")
        sides = [listed(key) for key in ("source-address", "source-port", "destination-address", "destination-port")]
        yield from ((_NAMES.get(protocol, protocol), *one) for one in itertools.product(*sides))


def _of_junos_policies(text: str) -> Iterator[Permission]:
    networks = dict(re.findall(r"^ *address (\S+) (\S+/\d+);", text, re.MULTILINE))
    sets = {
        name: [networks[one] for one in re.findall(r"address (\S+);", body)]
        for name, body in re.findall(r"address-set (\S+) \{(.*?)\}", text, re.DOTALL)
    }
    terms: dict[str, tuple[str, str, str]] = {}
    for name, term in re.findall(r"application (\S+) \{\s*term \S+ (.*?);", text):
        words = term.split()
        said = dict(zip(words[::2], words[1::2], strict=True))
        protocol = said.pop("protocol")
        terms[name] = (
            _NAMES.get(protocol, protocol),
            said.pop("source-port", "any"),
            said.pop("destination-port", "any"),
        )
        assert not said
    applications = {
        name: [terms[one] for one in re.findall(r"application (\S+);", body)]
        for name, body in re.findall(r"application-set (\S+) \{(.*?)\}", text, re.DOTALL)
    }
    for body in re.findall(r"policy \S+ \{(.*?)permit;", text, re.DOTALL):
        source, destination = (
            [network for name in re.search(rf"{side}-address \[ (.*?) \]", body)[1].split() for network in sets[name]]  # type: ignore[index]
            for side in ("source", "destination")
        )
        application = re.search(r"application (\S+);", body)
        assert application
        for protocol, source_port, port in applications[application[1]]:
            for pair in itertools.product(source, destination):
                yield protocol, pair[0], source_port, pair[1], port


def _of_azure(text: str) -> Iterator[Permission]:
    """The inbound rules. The outbound ones are the same, so that the template can be that of any subnet."""
    (group,) = json.loads(text)["resources"]
    found: dict[str, list[dict[str, t.Any]]] = {"Inbound": [], "Outbound": []}
    names = set()
    for rule in group["properties"]["securityRules"]:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,78}[A-Za-z0-9_]", rule["name"])
        names.add(rule["name"])
        properties = rule["properties"]
        assert len(properties.pop("description")) <= 140
        assert properties.pop("access") == "Allow"
        found[properties.pop("direction")].append(properties)
    assert len(names) == len(group["properties"]["securityRules"])
    assert found["Inbound"] == found["Outbound"]
    priorities = [rule.pop("priority") for rule in found["Inbound"]]
    assert len(set(priorities)) == len(priorities)
    assert all(100 <= priority <= 4096 for priority in priorities)
    for rule in found["Inbound"]:
        protocol = rule.pop("protocol").lower()
        sources, destinations = rule.pop("sourceAddressPrefixes"), rule.pop("destinationAddressPrefixes")
        source_ports, ports = (
            rule.pop(f"{side}PortRanges", None) or [rule.pop(f"{side}PortRange").replace("*", "any")]
            for side in ("source", "destination")
        )
        assert not rule
        if protocol in ("tcp", "udp"):
            ports = ["1-65535" if port == "any" else port for port in ports]
        yield from ((protocol, *one) for one in itertools.product(sources, source_ports, destinations, ports))


READERS: dict[str, Callable[[str], Iterator[Permission]]] = {
    **dict.fromkeys(("arista", "cisco", "ciscoasa", "cisconx", "ciscoxr"), _of_access_lists),
    "azure_nsg": _of_azure,
    "fortigate": _of_fortigate,
    "juniper": _of_junos_filter,
    "junipersrx": _of_junos_policies,
    "openconfig": _of_openconfig,
    "paloalto": _of_paloalto,
    "proxmox": _of_proxmox,
}
