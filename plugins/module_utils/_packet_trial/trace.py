# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel says of the way of a packet through nftables: which rule or policy drops it."""

from __future__ import annotations

import struct
import typing as t
from collections.abc import Iterator

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.packets import Flow
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.expressions import (
    DROP,
    compare,
    load_meta,
    load_payload,
    mask,
    set_meta,
    verdict,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.loading import load
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import (
    NETFILTER,
    Netlink,
    attribute,
    number,
    pack,
    read_text,
    walk,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import (
    FAMILIES,
    INET,
    Entry,
    Expression,
    Rule,
    Ruleset,
)

_TABLE = "pexip_sfb_trial"
_NAME = f"inet {_TABLE}"
_GROUP = 9
_MESSAGE = 10 << 8 | 17
_PREROUTING, _OUTPUT = 0, 3
_FIRST = -(1 << 31)
_L4PROTO, _NFTRACE = 16, 12
_TRANSPORT = 2
_POLICY, _RULE = 1, 3
_ID, _NETWORK_HEADER = 6, 8
_ROOM = 1 << 24


class Cause(t.NamedTuple):
    """What dropped a packet: a rule by its handle, or the policy of a chain where that is 0; and the base chain."""

    table: str
    chain: str
    handle: int
    base: str


class Tracer:
    """Has the kernel say the way of each packet from now on, in the network namespace that it is made in."""

    def __init__(self) -> None:
        load(_table({"trace_in": _PREROUTING, "trace_out": _OUTPUT}, [(*set_meta(_NFTRACE, b"\1"),)]))
        self._netlink = Netlink(NETFILTER, groups=[_GROUP], room=_ROOM)

    def forget(self) -> None:
        """Forget what was said so far."""
        self._netlink.discard()

    def cause(self, flow: Flow) -> Cause | None:
        """Return what dropped the packet of *flow* that was sent since; None where no rule and no policy did."""
        dropped = None
        base = ""
        for table, attributes in self._said(flow):
            chain = read_text(attributes.get(2, b""))
            base = base or chain
            ended, drops = _ending(attributes)
            if drops:
                dropped = Cause(table, chain, number(attributes.get(3)), base)
            if ended:
                base = ""
        return dropped

    def _said(self, flow: Flow) -> Iterator[tuple[str, dict[int, bytes]]]:
        """Yield what is said of packets of *flow*, each with the table that it is about.

        The kernel of the copy also sends packets of its own, such as reports of groups, when it thinks fit.
        """
        foreign: set[bytes] = set()
        while messages := list(self._netlink.messages(wait=False)):
            for _sequence, kind, content, _flags in messages:
                attributes = dict(walk(content[4:]))
                table = f"{FAMILIES.get(content[0], '')} {read_text(attributes.get(1, b''))}"
                packet = attributes.get(_ID, b"")
                if kind == _MESSAGE and table != _NAME and packet not in foreign:
                    yield table, attributes
                elif kind == _MESSAGE and table == _NAME:  # where each packet comes first, not translated yet
                    told = _addresses(attributes.get(_NETWORK_HEADER, b""))
                    if told == flow.source + flow.destination:  # the number may have been that of another one before
                        foreign.discard(packet)
                    elif told:
                        foreign.add(packet)

    def close(self) -> None:
        """Close its socket."""
        self._netlink.close()


def _addresses(header: bytes) -> bytes:
    """Return the source and the destination of a packet; empty where the header is none of IP, or is not there."""
    version = header[0] >> 4 if header else 0
    return {4: header[12:20], 6: header[8:40]}.get(version, b"")


def _ending(attributes: dict[int, bytes]) -> tuple[bool, bool]:
    """Tell whether a base chain ends here, and whether by a drop."""
    kind = number(attributes.get(4))
    if kind == _POLICY:
        return True, number(attributes.get(16)) == DROP
    code = dict(walk(attributes.get(5, b""))).get(1)
    (verdict_code,) = struct.unpack(">i", code) if code else (-1,)
    return verdict_code >= 0, kind == _RULE and verdict_code >= 0 and verdict_code & 0xFF == DROP


def keep_quiet() -> None:
    """Have the kernel of the copy answer nothing by itself, so that the answers to samples are the only ones.

    Nobody listens there, so it would refuse what comes through to it, and tracking would take note of that.
    """
    reset = (load_meta(_L4PROTO), compare(b"\6"), load_payload(_TRANSPORT, 13, 1), mask(b"\4"), compare(b"\0", True))
    errors = [
        (load_meta(_L4PROTO), compare(bytes([protocol])), load_payload(_TRANSPORT, 0, 1), compare(bytes([kind])))
        for protocol, kind in ((1, 3), (58, 1))
    ]
    abort = (load_meta(_L4PROTO), compare(b"\x84"), load_payload(_TRANSPORT, 12, 1), compare(b"\6"))  # of SCTP
    load(_table({"quiet": _OUTPUT}, [(*rule, verdict(DROP)) for rule in (reset, abort, *errors)]))


def _table(hooks: dict[str, int], rules: list[tuple[Expression, ...]]) -> Ruleset:
    """Return a table with the same rules in each of its chains, which come before all others."""
    name = attribute(1, _TABLE.encode() + b"\0")
    chains = []
    for chain, hook in hooks.items():
        place = pack(((1, struct.pack(">I", hook)), (2, struct.pack(">i", _FIRST))))
        about = name + pack(((3, chain.encode() + b"\0"), (4, place), (7, b"filter\0")))
        chains.append(Entry(INET, dict(walk(about))))
    made = [Rule(INET, _NAME, chain, 0, expressions) for chain in hooks for expressions in rules]
    return Ruleset(tables=[Entry(INET, dict(walk(name)))], chains=chains, rules=made)
