# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders rules as the text of one nftables table of our own, ``inet pexip_sfb``.

The text replaces the table in one kernel transaction, whether or not it existed, and touches no other table.
Nothing that a user typed as free text gets into it: names are checked identifiers, the rest are integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .._rules.canonical import Hook, Rule
from .._rules.extra import ExtraRule
from .._rules.permissions import Permissions
from .._values.addresses import FAMILIES, AddressSet, Family
from .._values.errors import PortMatrixError
from .sets import SetTable, Use, match_addresses, match_each, match_protocol

FAMILY = "inet"
TABLE = "pexip_sfb"
COMMENT = "Pexip and Skype for Business port matrix; managed by Ansible, uc_firewall.pexip_sfb"
NOT_OPENING = "tcp flags & (syn | ack) != syn"
LOG_PREFIX = "pexip_sfb would drop: "

# Errors that path MTU discovery and traceroute live on, and what IPv6 needs to find its neighbours and
# multicast listeners (RFC 4890, sections 4.3.1, 4.4.1). Neighbour discovery is not forwarded.
_ICMP_ERRORS = (
    "icmp type { destination-unreachable, time-exceeded, parameter-problem }",
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }",
)
_NEIGHBOURS = (
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }",
    "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }",
)
# A host keeps its addresses by asking a broadcast or multicast address, so connection tracking does not know the
# answer. DHCP (RFC 2131, section 4.1) does so where a lease is rebound, DHCPv6 (RFC 8415, sections 7.2, 17) always. The
# client has an address of the link there, so no router brings an answer, whatever address and port it comes from.
_LEASES: dict[Hook, tuple[str, ...]] = {
    "input": ("meta nfproto ipv4 udp sport 67 udp dport 68", "ip6 daddr fe80::/10 udp dport 546"),
    "output": ("meta nfproto ipv4 udp sport 68 udp dport 67", "ip6 daddr ff02::1:2 udp dport 547"),
}
# IGMP tells which groups a host is in, as MLD does. nft without /etc/protocols knows no name of it.
_GROUPS = "ip daddr 224.0.0.0/4 ip protocol 2"
_JUDGED = ("judged",)
_LOOPBACK: dict[Hook, str] = {"input": 'iifname "lo"', "output": 'oifname "lo"'}


@dataclass(frozen=True)
class Policy(Permissions):
    """What one host gets: a chain for each hook.

    ``judged`` are the addresses whose transit traffic is judged, None for all of it. Without ``enforce`` nothing is
    dropped: what would be is counted and logged.
    """

    judged: AddressSet | None = None
    enforce: bool = True


@dataclass
class _Text:
    sets: SetTable
    chains: list[str] = field(default_factory=list)

    def chain(self, name: str, lines: Iterable[str]) -> None:
        self.chains.append("\n".join((f"\tchain {name} {{", *(f"\t\t{line}" for line in lines), "\t}")))


def render_ruleset(policy: Policy) -> str:
    """Return the ruleset of one host, for ``nft -f``. Equal policies give equal text.

    :raises PortMatrixError: if the policy has no chain, or judges the transit of nobody.
    """
    if not policy.hooks:
        raise PortMatrixError.at("ruleset", "has no chain", "a host that is an endpoint or a gateway")
    text = _Text(SetTable(uses=uses_of(policy)))
    for hook in policy.hooks:
        if hook == "forward" and policy.judged is not None:
            _judged_forward(text, policy, policy.judged)
        else:
            text.chain(hook, (_base(hook, drop=policy.enforce), *_judgement(text.sets, policy, hook)))
    body = "\n\n".join((f'\tcomment "{COMMENT}"', *text.sets.declarations(), *text.chains))
    # The first line makes the second one work on a host that has no such table yet.
    return f"table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\ntable {FAMILY} {TABLE} {{\n{body}\n}}\n"


def _base(hook: Hook, drop: bool) -> str:
    return f"type filter hook {hook} priority filter; policy {'drop' if drop else 'accept'};"


def _judged_forward(text: _Text, policy: Policy, judged: AddressSet) -> None:
    """Judge only what comes from or goes to *judged*; all other transit traffic is left alone."""
    if not judged:
        raise PortMatrixError.at(
            "linux_firewall_judged_endpoints",
            "have no addresses, so nothing would be judged",
            "endpoints with addresses",
        )
    # Rules first: the sets get the names that the rules give them, and these lines share them.
    judgement = list(_judgement(text.sets, policy, "forward"))
    lines = [_base("forward", drop=False)]
    for family in FAMILIES:
        for side in ("saddr", "daddr"):
            if judged.of_family(family):
                matches = match_each(text.sets, _JUDGED, judged.of_family(family), family, side)
                lines += [f"{match or f'meta nfproto {family}'} jump forward_judged" for match in matches]
    text.chain("forward", lines)
    text.chain("forward_judged", judgement)


def _judgement(sets: SetTable, policy: Policy, hook: Hook) -> Iterator[str]:
    yield from _baseline(hook, policy.enforce)
    yield from permissions(sets, policy, hook)
    yield from _upkeep(hook)
    if policy.enforce:
        yield 'counter drop comment "default_deny"'
    else:
        yield f'limit rate 10/second burst 20 packets log prefix "{LOG_PREFIX}"'
        yield 'counter accept comment "would_drop"'


def permissions(sets: SetTable, policy: Policy, hook: Hook) -> Iterator[str]:
    """Yield the rules of one hook that let something through: management, extra rules, the matrix."""
    yield from _extra_rules(sets, policy, hook)
    for rule in policy.rules:
        if rule.hook == hook:
            yield from _rule(sets, rule)


def uses_of(policy: Policy) -> list[Use]:
    """Return the addresses that the rules of the matrix need, and those whose transit is judged."""
    uses = [
        Use(rule.family, rule.source_endpoint, rule.source, rule.destination_endpoint, rule.destination)
        for rule in policy.rules
    ]
    # Each packet that is not judged passes a line for each part of them, as its source and as its destination.
    judged = {family: (policy.judged or AddressSet()).of_family(family) for family in FAMILIES}
    return uses + [Use(family, _JUDGED, judged[family], _JUDGED, judged[family]) for family in FAMILIES]


def _baseline(hook: Hook, enforce: bool) -> Iterator[str]:
    """Yield what any host needs for the permitted traffic to work at all."""
    if hook in _LOOPBACK:
        yield f'{_LOOPBACK[hook]} counter accept comment "loopback"'
    yield 'ct state { established, related } counter accept comment "established"'
    if enforce:
        yield 'ct state invalid counter drop comment "invalid"'
    for match in (*_ICMP_ERRORS, *(_NEIGHBOURS if hook in _LOOPBACK else ())):
        yield f'{match} counter accept comment "icmp"'


def _upkeep(hook: Hook) -> Iterator[str]:
    """Yield what a host needs now and then to stay what it is. It comes last, so calls pass no rule more for it."""
    if hook in _LEASES:
        yield from (f'{match} counter accept comment "dhcp"' for match in _LEASES[hook])
        yield f'{_GROUPS} counter accept comment "igmp"'


def _extra_rules(sets: SetTable, policy: Policy, hook: Hook) -> Iterator[str]:
    for extra in (*policy.management, *policy.extra_rules):
        if extra.hook == hook:
            yield from _extra_rule(sets, extra)
    for extra in policy.management if hook == "output" else ():
        if extra.hook == "input" and extra.protocol == "tcp":
            yield from _extra_rule(sets, _replies(extra), NOT_OPENING)


def _rule(sets: SetTable, rule: Rule) -> Iterator[str]:
    ports = match_protocol(rule.protocol, rule.family, rule.source_ports, rule.destination_ports)
    for source in match_each(sets, rule.source_endpoint, rule.source, rule.family, "saddr"):
        for destination in match_each(sets, rule.destination_endpoint, rule.destination, rule.family, "daddr"):
            yield _accept(rule.family, ports, source, destination, comment=rule.row)


def _replies(extra: ExtraRule) -> ExtraRule:
    """Turn a management rule round.

    A connection that is older than our table is in no connection tracking yet. If the host sends first in it, that
    packet looks like a new connection, and without this the connection that applies the table would hang.
    """
    return ExtraRule(
        name=f"{extra.name}_replies"[:63],
        hook="output",
        protocol=extra.protocol,
        source=extra.destination,
        destination=extra.source,
        source_ports=extra.destination_ports,
        destination_ports=extra.source_ports,
    )


def _extra_rule(sets: SetTable, extra: ExtraRule, condition: str = "") -> Iterator[str]:
    matches_of: dict[str, list[Family]] = {}  # one, unless a protocol is another header in IPv6
    for family in extra.families():
        ports = match_protocol(extra.protocol, family, extra.source_ports, extra.destination_ports)
        matches_of.setdefault(f"{ports} {condition}".strip(), []).append(family)
    if extra.source is None and extra.destination is None:
        yield from (_accept(None, ports, comment=extra.name) for ports in matches_of)
        return
    for ports, family in ((ports, family) for ports, families in matches_of.items() for family in families):
        sides = ((extra.source, "saddr"), (extra.destination, "daddr"))
        matches = [
            match_addresses(sets, (extra.name,), addresses.of_family(family), family, side)
            for addresses, side in sides
            if addresses is not None
        ]
        yield _accept(family, ports, *matches, comment=extra.name)


def _accept(family: Family | None, ports: str, *addresses: str, comment: str) -> str:
    # A match of addresses already tells the family. Without one, every address of that family is meant.
    only = f"meta nfproto {family}" if family and not any(addresses) else ""
    return " ".join((*(match for match in (only, ports, *addresses) if match), f'counter accept comment "{comment}"'))
