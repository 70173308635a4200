# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the rules of simulated hosts against the port table, or print them.

``judge``: for random packets to and from each host, the verdict of its rules must be that of the oracle of
packet_proof, which is written from the port table alone. Ends with 1 where they differ.
``table``: the rules of our group.
"""

from __future__ import annotations

import argparse
import ipaddress
import itertools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from packet_proof.endpoints import endpoint_networks
from packet_proof.oracle import Flow, Packet, flows, permitted
from packet_proof.site import Address, Site, site_from_inventory

from simulated_windows.host import SimulatedHost
from simulated_windows.verdict import Properties, allows

GROUP = "Pexip SfB port matrix"
STRANGERS = ("192.88.99.7", "2001:db8:ffff::7")
RANDOM_PACKETS_PER_HOST = 3000


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="simulated_windows", description=__doc__)
    parser.add_argument("command", choices=["judge", "table"])
    parser.add_argument("--inventory-json", type=Path, required=True, help="what ansible-inventory --list printed")
    parser.add_argument("--directory", type=Path, required=True, help="where the simulated hosts are")
    parser.add_argument("--seed", type=int, default=1, help="of the random packets")
    parser.add_argument(
        "--variables", type=Path, metavar="FILE", help="JSON: variables of the site that the inventory does not hold"
    )
    options = parser.parse_args(arguments)
    inventory = json.loads(options.inventory_json.read_text(encoding="utf-8"))
    hosts = {name: our_rules(options.directory, name) for name in inventory["port_matrix_windows"]["hosts"]}
    if options.command == "table":
        print("\n".join(table(hosts)))
        return 0
    variables = json.loads(options.variables.read_text("utf-8")) if options.variables else {}
    site = site_from_inventory(inventory, variables)
    failed = [name for name, rules in hosts.items() if not judge(site, name, rules, options.seed)]
    return int(bool(failed))


def our_rules(directory: Path, host: str) -> list[Properties]:
    """The rules of our group on a host."""
    return [rule.as_mapping() for rule in SimulatedHost(directory, host).rules if rule["Grouping"] == GROUP]


def judge(site: Site, host: str, rules: Sequence[Properties], seed: int) -> bool:
    """Compare the verdicts for many packets, print how many, and tell whether all agree and both verdicts occurred."""
    counts = {True: 0, False: 0}
    wrong = []
    for packet, inbound in packets(site, host, random.Random(seed)):  # noqa: S311 - repeatable on purpose
        expected = bool(permitted(site, packet, host))
        counts[expected] += 1
        if allows(rules, packet, inbound) != expected:
            wrong.append(f"  {'in' if inbound else 'out'} {packet}: the table says {'open' if expected else 'closed'}")
    print(f"{host}: {len(rules)} rules, {counts[True]} open and {counts[False]} closed packets, {len(wrong)} wrong")
    for line in wrong[:10]:
        print(line)
    return not wrong and all(counts.values())


def packets(site: Site, host: str, dice: random.Random) -> Iterator[tuple[Packet, bool]]:
    """Packets to and from a host: at every edge of every port range for its own flows, and then at random."""
    own = [edge for pair in site.hosts[host].every_interface() for edge in ends(pair.local)]
    pairs = [pair for other in site.hosts.values() for pair in other.every_interface()]
    everybody = [edge for pair in pairs for network in (pair.local, pair.advertised) for edge in ends(network)]
    everybody += [ipaddress.ip_address(stranger) for stranger in STRANGERS]
    ways = list(flows(site))
    ranges = {bounds for way in ways for part in (way.source_ports, way.destination_ports) for bounds in part}
    edges = sorted({p + step for bounds in ranges for p in bounds for step in (-1, 0, 1) if 0 < p + step < 65536})

    def packet(way: Flow, inbound: bool, locals_: Sequence[Address], remotes: Sequence[Address]) -> Packet | None:
        local = dice.choice(locals_)
        fitting = [remote for remote in remotes if remote.version == local.version and remote not in own]
        if not fitting:
            return None
        ends_of_it = (dice.choice(fitting), local) if inbound else (local, dice.choice(fitting))
        protocol = dice.choice(way.protocols)
        return Packet(*ends_of_it, protocol, *(dice.randint(*dice.choice(part)) for part in way.ports(protocol)))

    for way, inbound in itertools.product(ways, (True, False)):
        here, there = (way.destinations, way.sources) if inbound else (way.sources, way.destinations)
        mine, theirs = addresses(site, here, host, True), addresses(site, there, host, False)
        if not mine or not theirs:
            continue
        for port, of_source, protocol, _again in itertools.product(edges, (True, False), ("tcp", "udp"), range(4)):
            made = packet(way, inbound, mine, theirs)
            if made:
                source_port, destination_port = (port, made.destination_port) if of_source else (made.source_port, port)
                spoilt = replace(made, protocol=protocol, source_port=source_port, destination_port=destination_port)
                yield spoilt, inbound
    for _number in range(RANDOM_PACKETS_PER_HOST):
        inbound = dice.random() < 0.5
        made = packet(dice.choice(ways), inbound, own, everybody)
        if made:
            yield made, inbound


def addresses(site: Site, endpoints: Sequence[str], host: str, of_itself: bool) -> list[Address]:
    """Addresses at the edges of the members of *endpoints*: the host itself, or all the others."""
    members = (member for name in endpoints for member in endpoint_networks(site, name, host))
    return [edge for owner, network in members if (owner == host) == of_itself for edge in ends(network)]


def ends(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[Address]:
    """The first and the last address of a network, and the neighbours outside of it; of one address just that."""
    if network.num_addresses == 1:
        return [network[0]]
    return [network[0], network[-1], network[-1] + 1, network[0] - 1]


def table(hosts: dict[str, list[Properties]]) -> Iterator[str]:
    """The rules as text, a line each."""
    header = ("host", "rule", "local address", "local port", "remote address", "remote port")
    rows = [header]
    for host, rules in hosts.items():
        for rule in sorted(rules, key=lambda rule: (rule["Direction"], str(rule["Name"]))):
            addresses = [", ".join(shortened(rule[f"{end}Addresses"])) for end in ("Local", "Remote")]
            name = str(rule["Name"]).removeprefix("Pexip SfB ")
            rows.append((host, name, addresses[0], rule["LocalPorts"], addresses[1], rule["RemotePorts"]))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(header))]
    for row in rows:
        yield "  ".join(f"{cell!s:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def shortened(addresses: str) -> list[str]:
    """Addresses as people write them, sorted."""
    if addresses == "*":
        return ["any"]
    networks = [ipaddress.ip_network(item) for item in addresses.split(",")]
    ordered = sorted(networks, key=lambda network: (network.version, int(network.network_address)))
    return [str(network).removesuffix("/32").removesuffix("/128") for network in ordered]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
