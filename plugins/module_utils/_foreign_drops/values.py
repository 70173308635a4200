# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nftables reads from a packet: the left sides of matches, as numbers and names, where they are known.

Three answers are no value. ``UNKNOWN`` may be anything. ``ABSENT`` is what the packet does not have, such as a TCP port
in UDP: the rule ends there, whatever it compares. ``NO_INTERFACE`` is an interface that a hook does not have: no name
equals it, and whether it differs from one depends on the kernel's version.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass


class NoValue:
    """One of the answers that are no value."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNKNOWN = NoValue("unknown")
ABSENT = NoValue("absent")
NO_INTERFACE = NoValue("no interface")
# Some interface, but not the loopback: the packets come from other hosts or go to them.
SOME_INTERFACE = NoValue("some interface")

Value = t.Union[int, str, NoValue]  # evaluated at import, also by the Python of old hosts
Expression = t.Any  # JSON of nft

CONNTRACK_PRIORITY = -200
_TRACKING_HOOKS = ("prerouting", "output")
_SYN = 0x02

# Names that nft prints instead of numbers, by the kind of value.
NAMES: dict[str, dict[str, int]] = {
    "protocol": {
        "icmp": 1, "igmp": 2, "ipencap": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "dccp": 33, "esp": 50, "ah": 51,
        "icmpv6": 58, "ipv6-icmp": 58, "ospf": 89, "pim": 103, "comp": 108, "vrrp": 112, "l2tp": 115, "sctp": 132,
        "udplite": 136,
    },
    "nfproto": {"ipv4": 2, "ipv6": 10},
    "ethertype": {"ip": 0x0800, "arp": 0x0806, "vlan": 0x8100, "8021q": 0x8100, "ip6": 0x86DD, "8021ad": 0x88A8},
    "ct_state": {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64},
    "tcp_flags": {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128},
    "packet_type": {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3},
    "address_type": {
        "unspec": 0, "unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6,
        "unreachable": 7, "prohibit": 8,
    },
}  # fmt: skip
WIDTHS = {"ipv4": 32, "ipv6": 128, "port": 16}
# Kinds that are compared as names of interfaces.
INTERFACES = ("interface", "interface_index")


@dataclass(frozen=True)
class Route:
    """What the host's routing says about an address: the interface that leads there, and the type of the address."""

    interface: str = ""
    type: str = ""


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection. The routes are empty where they are not known."""

    hook: str
    family: str
    protocol: str
    source: int
    source_port: int | None  # None where the protocol has no ports
    destination: int
    destination_port: int | None
    back: Route = Route()
    onward: Route = Route()

    @classmethod
    def of(cls, data: t.Mapping[str, t.Any], routes: t.Mapping[str, Route]) -> Packet:
        """Read a sample packet; *routes* are by address. Raises ValueError for an address that is none."""
        source, destination = ipaddress.ip_address(data["source"]), ipaddress.ip_address(data["destination"])
        return cls(
            hook=data["hook"],
            family=data["family"],
            protocol=data["protocol"],
            source=int(source),
            source_port=data.get("source_port"),
            destination=int(destination),
            destination_port=data.get("destination_port"),
            back=routes.get(str(source), Route()),
            onward=routes.get(str(destination), Route()),
        )

    def protocol_number(self) -> int:
        """Return the number of the protocol. Raises ValueError for a name that is none."""
        number = NAMES["protocol"].get(self.protocol)
        return int(self.protocol) if number is None else number

    @property
    def turns_round(self) -> bool:
        """Whether the packet would leave by the interface that it came in by."""
        return self.hook == "forward" and bool(self.back.interface) and self.back.interface == self.onward.interface


@dataclass
class Passage:
    """A packet at one base chain. ``untracked`` says that an earlier rule may have exempted it from tracking."""

    packet: Packet
    hook: str = "input"
    priority: int = 0
    untracked: bool = False

    def operand(self, expression: Expression) -> tuple[str, Value]:
        """Return the kind of value that *expression* has, and the value itself."""
        if isinstance(expression, dict) and len(expression) == 1:
            ((name, details),) = expression.items()
            if name == "tcp option" and self.packet.protocol != "tcp" and "field" in details:
                return "", ABSENT
            read = getattr(self, f"_{name}", None) if name in ("payload", "meta", "ct", "fib") else None
            if read is not None and isinstance(details, dict):
                return t.cast("tuple[str, Value]", read(details))
        return "", UNKNOWN

    def _payload(self, details: dict[str, t.Any]) -> tuple[str, Value]:
        header, field = details.get("protocol"), details.get("field")
        if header in ("ip", "ip6"):
            return self._network_header(str(header), str(field))
        if header in ("th", self.packet.protocol):
            return self._transport_header(str(header), str(field))
        if header in ("ether", "vlan", None):  # None is raw payload, a place in the packet
            return "", UNKNOWN
        return "", ABSENT

    def _network_header(self, header: str, field: str) -> tuple[str, Value]:
        packet = self.packet
        if packet.family != {"ip": "ipv4", "ip6": "ipv6"}[header]:
            return "", ABSENT
        fields: dict[str, tuple[str, Value]] = {
            "saddr": (packet.family, packet.source),
            "daddr": (packet.family, packet.destination),
            "version": ("number", 4 if header == "ip" else 6),
            "protocol" if header == "ip" else "nexthdr": ("protocol", packet.protocol_number()),
        }
        return fields.get(field, ("", UNKNOWN))

    def _transport_header(self, header: str, field: str) -> tuple[str, Value]:
        fields: dict[str, tuple[str, Value]] = {
            side: ("port", port)
            for side, port in (("sport", self.packet.source_port), ("dport", self.packet.destination_port))
            if port is not None
        }
        if header == "tcp":
            fields["flags"] = ("tcp_flags", _SYN)
        return fields.get(field, ("", UNKNOWN))

    def _meta(self, details: dict[str, t.Any]) -> tuple[str, Value]:
        packet, key = self.packet, details.get("key")
        if key in ("iif", "iifname"):
            return "interface" if key == "iifname" else "interface_index", self._input_interface()
        if key in ("oif", "oifname"):
            return "interface" if key == "oifname" else "interface_index", self._output_interface()
        keys: dict[str, tuple[str, Value]] = {
            "l4proto": ("protocol", self._transport_protocol()),
            "nfproto": ("nfproto", NAMES["nfproto"][packet.family]),
            "protocol": ("ethertype", NAMES["ethertype"]["ip" if packet.family == "ipv4" else "ip6"]),
            "pkttype": ("packet_type", 0 if self._type_of("daddr") in ("unicast", "local") else UNKNOWN),
        }
        return keys.get(str(key), ("", UNKNOWN))

    def _transport_protocol(self) -> Value:
        """What the kernel takes for the protocol. In IPv6, AH is an extension header, and what is in it counts."""
        packet = self.packet
        return UNKNOWN if packet.protocol == "ah" and packet.family == "ipv6" else packet.protocol_number()

    def _ct(self, details: dict[str, t.Any]) -> tuple[str, Value]:
        if details.get("key") != "state":
            return "", UNKNOWN
        states = NAMES["ct_state"]
        if self.untracked:
            return "ct_state", UNKNOWN
        if self.hook not in _TRACKING_HOOKS or self.priority > CONNTRACK_PRIORITY:
            return "ct_state", states["new"]
        # Before tracking, a packet has the state that the kernel also calls invalid.
        return "ct_state", states["invalid"] if self.priority < CONNTRACK_PRIORITY else UNKNOWN

    def _fib(self, details: dict[str, t.Any]) -> tuple[str, Value]:
        flags = details.get("flags") or []
        flags = [flags] if isinstance(flags, str) else flags
        if details.get("result") == "type" and len(flags) == 1:
            kind = self._type_of(flags[0])
            return "address_type", NAMES["address_type"].get(kind, UNKNOWN)
        # The usual test for a forged source. The way back is how the packets are taken to come in.
        if details.get("result") == "oif" and set(flags) == {"saddr", "iif"} and self.packet.back.interface:
            return "presence", 1
        return "", UNKNOWN

    def _type_of(self, side: str) -> str:
        """Return the type that the host's routing gives to the address of *side*; empty where that is not known."""
        if side == "daddr":
            return "local" if self.packet.hook == "input" else self.packet.onward.type
        if side == "saddr":
            return "local" if self.packet.hook == "output" else self.packet.back.type
        return ""

    def _input_interface(self) -> Value:
        if self.packet.hook == "output":
            return NO_INTERFACE
        if self.hook == "postrouting":
            return SOME_INTERFACE  # older kernels do not know it there
        return self.packet.back.interface or SOME_INTERFACE

    def _output_interface(self) -> Value:
        if self.hook in ("prerouting", "input"):
            return NO_INTERFACE
        return self.packet.onward.interface or SOME_INTERFACE
