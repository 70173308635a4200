# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets in which the kernel remembers what the default deny drops, or would drop: each flow once, with a counter.

The module ``observed_flows`` reads them by their names. What is observed and what is dropped have different ones: so
nothing that passed is taken for dropped after the switch. A set that is full takes no more, and the packet goes on to
the default deny as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .._rules.canonical import Hook
from .._rules.protocols import WITH_PORTS
from .._values.addresses import FAMILIES, Family
from .._values.mapping import as_number

_MOST_DAYS = 365
_MOST_ENTRIES = 1_000_000  # some 150 bytes of the kernel's memory each
_ADDRESS: dict[Family, tuple[str, str, str]] = {
    "ipv4": ("v4", "ipv4_addr", "ip"),
    "ipv6": ("v6", "ipv6_addr", "ip6"),
}
_PORTS = f"{{ {', '.join(WITH_PORTS)} }}"


@dataclass(frozen=True)
class Memory:
    """How many flows each set holds, and how many days after its last packet a flow is forgotten."""

    entries: int
    days: int


def parse_memory(entries: object, days: object) -> Memory:
    """Check what a user wrote.

    :raises PortMatrixError: if one of them is no number, or out of range.
    """
    return Memory(
        as_number(entries, "linux_firewall_remember_entries", 1, _MOST_ENTRIES),
        as_number(days, "linux_firewall_remember_days", 1, _MOST_DAYS),
    )


def memory_sets(memory: Memory, hooks: Iterable[Hook], enforce: bool) -> Iterator[str]:
    """Yield the text of each set."""
    words = "is" if enforce else "would be"
    for hook in hooks:
        for family in FAMILIES:
            _version, address, _keyword = _ADDRESS[family]
            for ports in (True, False):
                port = " . inet_service" if ports else ""
                yield (
                    f"\tset {_name(hook, family, ports, enforce)} {{\n"
                    f"\t\ttype {address} . {address} . inet_proto{port}\n"
                    f"\t\tsize {memory.entries}\n"
                    "\t\tflags dynamic,timeout\n"
                    f"\t\ttimeout {memory.days}d\n"
                    f'\t\tcomment "what {words} dropped: source, destination, protocol{", port" if ports else ""}"\n'
                    "\t}"
                )


def remembering(hook: Hook, enforce: bool) -> Iterator[str]:
    """Yield the rules of a chain that remembers a packet, and returns. What finds no place in a set is counted."""
    # It belongs to no flow that somebody could permit, such as what comes late after the end of one.
    yield "ct state invalid return"
    for family in FAMILIES:
        _version, _address, keyword = _ADDRESS[family]
        for ports in (True, False):
            # In a packet without ports, the first bytes of something else would be taken for them.
            protocols = f"meta l4proto {'' if ports else '!= '}{_PORTS}"
            key = f"{keyword} saddr . {keyword} daddr . meta l4proto{' . th dport' if ports else ''}"
            yield f"{protocols} update @{_name(hook, family, ports, enforce)} {{ {key} counter }} return"
    yield 'counter comment "not_remembered"'


def _name(hook: Hook, family: Family, ports: bool, enforce: bool) -> str:
    # The hook comes last, as sets of addresses have their family there: an endpoint can be called as it likes.
    kind = "dropped" if enforce else "observed"
    return f"{kind}_{'ports_' if ports else ''}{_ADDRESS[family][0]}_{hook}"
