# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders rules as the text of one nftables table of our own, ``inet pexip_sfb``.

The text replaces the table in one kernel transaction, whether or not it existed, and touches no other table.
Nothing that a user typed as free text gets into it: names are checked identifiers, the rest are integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from .._rules.canonical import Hook, Rule
from .._rules.extra import ExtraRule
from .._rules.permissions import Permissions
from .._values.addresses import FAMILIES, AddressSet, Family
from .._values.collector import collector_paused
from .._values.errors import PortMatrixError
from .memory import Memory, memory_sets, remembering
from .sets import SetTable, Use, match_addresses, match_each, match_protocol

FAMILY = "inet"
TABLE = "pexip_sfb"
COMMENT = "Pexip and Skype for Business port matrix; managed by Ansible, uc_firewall.pexip_sfb"
NOT_OPENING = "tcp flags & (syn | ack) != syn"
# The protocols of which flows may be older than connection tracking, each until the kernel takes it out by itself. TCP
# is in it from when the table is loaded, at boot too: what passes for its sake opens nothing. A silent client of SIP
# sends a keep-alive within minutes, and most hosts one of TCP within two hours. A day has time for all of that, and for
# who comes back the next morning. Where nothing of ours was there before, so that nothing is opened that was not, the
# module adds UDP for some seconds.
OLDER_FLOWS = "older_flows"
_OLDER_PROTOCOLS = ("tcp", "udp")
_OLDER_FLOWS = (
    f"\tset {OLDER_FLOWS} {{\n"
    "\t\ttype inet_proto\n"
    "\t\tflags timeout\n"
    '\t\tcomment "protocols of which flows may be older than connection tracking"\n'
    "\t\telements = { tcp timeout 1d }\n"
    "\t}"
)
# Behind every firewall, firewalld's included (filter + 10), and before what follows a connection to its end.
_AFTER_OTHERS = "filter + 100"
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
# In a flow that is older than our table, tracking can have it wrong who opened it. So a SYN is not part of what is
# established. Comma lists are one comparison of bits for the kernel, and braces a look-up.
_ESTABLISHED = (
    'ct state established,related meta l4proto != tcp counter accept comment "established"',
    f'ct state established,related {NOT_OPENING} counter accept comment "established"',
    'ct state related counter accept comment "established"',
)
# Where what is answered at a hook came through.
_ANSWERED_AT: dict[Hook, Hook] = {"input": "output", "output": "input", "forward": "forward"}
_LOOPBACK: dict[Hook, str] = {"input": 'iifname "lo"', "output": 'oifname "lo"'}


@dataclass(frozen=True)
class Policy(Permissions):
    """What one host gets: a chain for each hook.

    ``judged`` are the addresses whose transit traffic is judged, None for all of it. Without ``enforce`` nothing is
    dropped: what would be is counted and logged. ``memory`` is for what is dropped, or would be. ``after_others`` has
    it judge what the tables of others have let through.
    """

    judged: AddressSet | None = None
    enforce: bool = True
    memory: Memory | None = None
    after_others: bool = False


@dataclass
class _Text:
    sets: SetTable
    chains: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)  # chains that these jump to at their end

    def chain(self, name: str, lines: Iterable[str]) -> None:
        self.chains.append(_chain(name, lines))


def _chain(name: str, lines: Iterable[str]) -> str:
    return "\n".join((f"\tchain {name} {{", *(f"\t\t{line}" for line in lines), "\t}"))


@collector_paused()
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
            judgement = _judgement(text, policy, hook, under_way=True)
            text.chain(hook, (_base(policy, hook, policy.enforce), *judgement))
    sets = [*text.sets.declarations(), _OLDER_FLOWS]
    sets += memory_sets(policy.memory, policy.hooks, policy.enforce) if policy.memory else ()
    body = "\n\n".join((f'\tcomment "{COMMENT}"', *sets, *text.chains, *text.called))
    # The first line makes the second one work on a host that has no such table yet.
    return f"table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\ntable {FAMILY} {TABLE} {{\n{body}\n}}\n"


def _base(policy: Policy, hook: Hook, drop: bool) -> str:
    priority = _AFTER_OTHERS if policy.after_others else "filter"
    return f"type filter hook {hook} priority {priority}; policy {'drop' if drop else 'accept'};"


def _judged_forward(text: _Text, policy: Policy, judged: AddressSet) -> None:
    """Judge only what comes from or goes to *judged*; all other transit traffic is left alone."""
    if not judged:
        raise PortMatrixError.at(
            "linux_firewall_judged_endpoints",
            "have no addresses, so nothing would be judged",
            "endpoints with addresses",
        )
    # Rules first: the sets get the names that the rules give them, and these lines share them.
    judgement = list(_judgement(text, policy, "forward", under_way=False))
    # Media are packets of flows that are under way, and pass before any address is looked up. What is not judged passes
    # in any case.
    lines = [_base(policy, "forward", drop=False), *_ESTABLISHED]
    for family in FAMILIES:
        for side in ("saddr", "daddr"):
            if judged.of_family(family):
                matches = match_each(text.sets, _JUDGED, judged.of_family(family), family, side)
                lines += [f"{match or f'meta nfproto {family}'} jump forward_judged" for match in matches]
    text.chain("forward", lines)
    text.chain("forward_judged", judgement)


def _judgement(text: _Text, policy: Policy, hook: Hook, under_way: bool) -> Iterator[str]:
    """Yield the rules that judge a packet; with *under_way* also those for flows that are under way."""
    if hook in _LOOPBACK:
        yield f'{_LOOPBACK[hook]} counter accept comment "loopback"'
    if under_way:
        yield from _ESTABLISHED
    yield from _baseline(hook, policy.enforce)
    permitted = list(permissions(text.sets, policy, hook))
    yield from permitted
    yield from _upkeep(hook)
    answers = _answers(text.sets, policy, hook, permitted)
    if answers:
        text.called.append(_chain(f"{hook}_answers", ("tcp flags & syn == syn return", *answers)))
        # Not what is exempt from tracking: its answers would stall when the time is over.
        yield f"ct state invalid,new meta l4proto @{OLDER_FLOWS} jump {hook}_answers"
    if policy.memory:
        text.called.append(_chain(f"{hook}_remembered", remembering(hook, policy.enforce)))
        yield f"jump {hook}_remembered"
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


def _answers(sets: SetTable, policy: Policy, hook: Hook, permitted: Sequence[str]) -> list[str]:
    """Return the rules for answers in flows that are older than connection tracking, and that *permitted* lacks.

    If the answering side sends first once our table is there, its packet looks like a new flow of the other direction.
    Tracking then takes it for one. So only what cannot open a flow of TCP may come here, and a SYN is judged whatever
    tracking says of it; and an answer of UDP has its flow tracked as soon as the other side sends, which it may.
    """
    found: dict[str, str] = {}
    for extra in (*policy.management, *policy.extra_rules):
        if extra.protocol in _OLDER_PROTOCOLS and extra.hook == _ANSWERED_AT[hook]:
            found |= {_matches(line): line for line in _extra_rule(sets, _turned_round(extra, hook))}
    for rule in policy.rules:
        if rule.protocol in _OLDER_PROTOCOLS and rule.hook == _ANSWERED_AT[hook]:
            found |= {_matches(line): line for line in _rule(sets, _answers_to(rule))}
    for line in permitted:
        found.pop(_matches(line), None)
    return list(found.values())


def _matches(line: str) -> str:
    """Return what a rule matches, without the condition that none of these rules needs."""
    return line.partition(" counter ")[0].replace(f" {NOT_OPENING}", "")


def _answers_to(rule: Rule) -> Rule:
    return replace(
        rule,
        source_endpoint=rule.destination_endpoint,
        source=rule.destination,
        source_ports=rule.destination_ports,
        destination_endpoint=rule.source_endpoint,
        destination=rule.source,
        destination_ports=rule.source_ports,
    )


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
    if enforce:
        # In an older flow, tracking takes what ends it for invalid, and so does it a client that begins anew.
        yield f'ct state invalid meta l4proto != @{OLDER_FLOWS} counter drop comment "invalid"'
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
    ports = match_protocol(rule.protocol, rule.source_ports, rule.destination_ports)
    for source in match_each(sets, rule.source_endpoint, rule.source, rule.family, "saddr"):
        for destination in match_each(sets, rule.destination_endpoint, rule.destination, rule.family, "daddr"):
            yield _accept(rule.family, ports, source, destination, comment=rule.row)


def _replies(extra: ExtraRule) -> ExtraRule:
    """Return the rule for what the host says in connections that *extra*, of management, let in.

    A connection that is older than our table is in no connection tracking yet. If the host sends first in it, that
    packet looks like a new connection, and without this the connection that applies the table would hang. Where a table
    of others judges what is established, nothing else would let it through.
    """
    return replace(_turned_round(extra, "output"), name=f"{extra.name}_replies"[:63])


def _turned_round(extra: ExtraRule, hook: Hook) -> ExtraRule:
    return replace(
        extra,
        hook=hook,
        source=extra.destination,
        destination=extra.source,
        source_ports=extra.destination_ports,
        destination_ports=extra.source_ports,
    )


def _extra_rule(sets: SetTable, extra: ExtraRule, condition: str = "") -> Iterator[str]:
    ports = f"{match_protocol(extra.protocol, extra.source_ports, extra.destination_ports)} {condition}".strip()
    if extra.source is None and extra.destination is None:
        yield _accept(None, ports, comment=extra.name)
        return
    for family in extra.families():
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
