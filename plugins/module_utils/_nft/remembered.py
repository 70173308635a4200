# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows that the kernel remembers in sets of our table, from what nft prints of them as JSON."""

from __future__ import annotations

import datetime
import ipaddress
import re
import typing as t
from collections.abc import Iterable

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    TABLE,
    Item,
    UnreadableError,
    items,
)

TIME = "%Y-%m-%dT%H:%M:%SZ"
# A test compares them with those of the core.
_NAMES = {51: "ah", 50: "esp", 47: "gre", 1: "icmp", 58: "icmpv6", 132: "sctp", 6: "tcp", 17: "udp", 112: "vrrp"}
_FAMILIES = {"4": "ipv4", "6": "ipv6"}
# A set of addresses ends in the family, so it has none of these names, whatever its endpoint is called.
_NAME = re.compile(r"(observed|dropped)_(ports_)?v([46])_(input|output|forward)")
_MISSED = "not_remembered"

Flow = dict[str, t.Any]


class Remembered(t.NamedTuple):
    """What is remembered: ``kinds`` is what the sets are for, ``observed`` or ``dropped``, ``limit`` what each holds.

    ``missed`` are the packets for which there was no place, since the rules were loaded.
    """

    flows: list[Flow]
    kinds: set[str]
    limit: int
    full: bool
    missed: int


def commands(outline: str) -> list[tuple[str, ...]]:
    """Return the arguments of nft that list the sets and what found no place in them, each for a call of its own.

    In one call, nft reads what the last command needs, and does not find the other sets.

    :param outline: what nft printed of the sets and chains of all tables
    :raises UnreadableError: if that is not the JSON of nft
    """
    found: list[tuple[str, ...]] = []
    for kind, about in items(outline):
        if kind in ("set", "chain") and (about.get("family"), about.get("table")) == ("inet", TABLE):
            name = str(about.get("name"))
            wanted = _NAME.fullmatch(name) if kind == "set" else name.endswith("_remembered")
            found += [("list", kind, "inet", TABLE, name)] if wanted else []
    return found


def read(outputs: Iterable[str], now: datetime.datetime) -> Remembered:
    """Read what the :func:`commands` printed at the time *now*, in UTC.

    :raises UnreadableError: if it is not the JSON of nft
    """
    try:
        listed = [item for output in outputs for item in items(output)]
        sets = [(match, about) for kind, about in listed if kind == "set" and (match := _NAME.fullmatch(about["name"]))]
        flows = [flow for match, about in sets for flow in _flows(match, about, now)]
        sizes = [(len(about.get("elem", ())), int(about["size"])) for _match, about in sets]
        missed = sum(_missed(about) for kind, about in listed if kind == "rule")
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise UnreadableError(f"nft printed no set that it is known to print ({type(e).__name__}: {e})") from e
    return Remembered(
        sorted(flows, key=_place),
        {match[1] for match, _about in sets},
        min((size for _count, size in sizes), default=0),
        any(count >= size for count, size in sizes),
        missed,
    )


def _flows(match: t.Match[str], about: Item, now: datetime.datetime) -> Iterable[Flow]:
    for element in about.get("elem", ()):
        one = element["elem"]
        source, destination, protocol, *port = one["val"]["concat"]
        # The kernel counts the time down, and begins anew with each packet.
        passed = int(one.get("timeout", about["timeout"])) - int(one.get("expires", 0))
        yield {
            "hook": match[4],
            "family": _FAMILIES[match[3]],
            "protocol": _NAMES.get(int(protocol), str(protocol)),
            "source": str(source),
            "destination": str(destination),
            "destination_port": int(port[0]) if match[2] else None,
            "packets": int(one["counter"]["packets"]),
            "bytes": int(one["counter"]["bytes"]),
            "last_seen": (now - datetime.timedelta(seconds=passed)).strftime(TIME),
        }


def _place(flow: Flow) -> tuple[t.Any, ...]:
    addresses = [ipaddress.ip_address(flow[side]).packed for side in ("source", "destination")]
    port = -1 if flow["destination_port"] is None else flow["destination_port"]
    return (flow["hook"], flow["family"], flow["protocol"], *addresses, port)


def _missed(rule: Item) -> int:
    if rule.get("comment") != _MISSED:
        return 0
    return sum(int(part["counter"]["packets"]) for part in rule["expr"] if "counter" in part)
