# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a copy cannot know of a packet, or of the past, and the variants of a ruleset that this makes.

A sample packet stands for many. Some rules ask for what these do not have in common (their length, the process that
sent them), or for what was before (a rate, a quota), or for what is not in the copy (an ipset, who listens to a queue).
In a variant, each of these rules answers in one way. What passes in all of them is taken to pass, and what is dropped
in all of them to be dropped.

Rules that drop or accept answer for the least, and for the most, that can pass. Of all others it depends on what comes
after them which answer that is, so any two of them have all four pairs of answers. For a packet that meets no more than
two of these, that is all there can be. Of three, not all eight answers are tried: each further rule would double the
work.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Collection, Iterator

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.expressions import (
    ACCEPT,
    DROP,
    extension,
    verdict,
    verdict_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import number, read_text, walk
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import (
    CHAIN_NAME,
    Expression,
    Rule,
    Ruleset,
    base_of,
)

# Expressions that ask for the past, or for what the copy does not have.
_PAST = {"limit", "quota", "connlimit", "tproxy"}
_OBJECTS_OF_THE_PAST = {2, 4, 5}  # quota, limit, connlimit
_SYNPROXY_OBJECT = 10
# Where the expressions have the register that they write.
_WRITES = {
    "meta": 1, "payload": 1, "ct": 1, "fib": 1, "immediate": 1, "numgen": 1, "hash": 2, "exthdr": 1, "rt": 1, "osf": 1,
    "socket": 2, "tunnel": 2, "xfrm": 1, "inner": 0, "bitwise": 2, "byteorder": 2, "lookup": 3,
}  # fmt: skip
_READS = {"bitwise": 1, "byteorder": 1, "cmp": 1, "range": 1, "lookup": 2, "objref": 3, "dynset": 4}
# What they read differs from packet to packet, or from day to day.
_VARIES = {"numgen", "hash", "exthdr", "rt", "osf", "socket", "tunnel", "xfrm", "inner"}
# Length, user and group of the process, its security marks and groups, processor, random number.
_VARYING_META = {0, 10, 11, 13, 14, 20, 23, 24}
_VARYING_CT = {4, 5, 14, 15, 16, 23}  # security mark, time left, packets, bytes, average, id
_TRACKING = -200  # the priority of it
_MARK = 3  # of meta and ct alike
_MATCHES_OF_MARKS = {"mark", "connmark"}
_LINK, _NETWORK, _TRANSPORT = 0, 1, 2
# Version, protocol and addresses of IPv4 and of IPv6. One byte at 8 is the time to live, or the begin of an address.
_NETWORK_FIXED = ((0, 1), (6, 7), (9, 10), (8, 40))
_TIME_TO_LIVE = (_NETWORK, 8, 1)
_TRANSPORT_FIXED = ((0, 4), (13, 14))
_ETHERTYPE = (12, 14)
# Extensions of iptables that need nothing but the packet and its connection.
_PLAIN_MATCHES = {
    "addrtype", "comment", "connmark", "conntrack", "devgroup", "dst", "icmp", "icmp6", "iprange", "mark", "multiport",
    "pkttype", "rpfilter", "sctp", "state", "tcp", "udp",
}  # fmt: skip
_PLAIN_TARGETS = {
    "ACCEPT", "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CT", "DNAT", "DROP", "DSCP", "LOG", "MARK", "MASQUERADE",
    "NETMAP", "NFLOG", "NOTRACK", "REDIRECT", "REJECT", "SNAT", "TCPMSS", "TCPOPTSTRIP", "TOS", "TRACE", "TTL", "HL",
}  # fmt: skip
# What does not decide about the packet. A copy of the packet would be taken for it, and an ipset is not there.
_LEFT_OUT = {"dup", "TEE", "SET"}
_OF_NO_CONSEQUENCE = {"counter", "log", "last", *_LEFT_OUT}


class Doubts(t.NamedTuple):
    """Where in a rule there are matches that may be so or not, and the first place that may end it in any way."""

    matches: list[int]
    ending: int | None


class _Context(t.NamedTuple):
    """The sets of the past by table and name, whether marks may be any, and the chains where tracking begins.

    Which of those comes first, the chain or tracking, is up to which was there first.
    """

    changing: Collection[tuple[str, str]]
    marks: bool
    at_tracking: Collection[tuple[str, str]]


def variants(ruleset: Ruleset, refused: Collection[int] = (), marks: bool = False) -> list[Ruleset]:
    """Return the variants of a ruleset, each with the same rules at the same places; one where nothing is in doubt.

    In the second half of them, whatever drops or accepts in doubt lets the most through.

    :param refused: the places of rules that the kernel does not take, which may end in any way
    :param marks: whether packets and connections may have marks that the ruleset does not give them
    """
    bases = [(chain.table, chain.text(CHAIN_NAME), base_of(chain)) for chain in ruleset.chains]
    at_tracking = {(table, name) for table, name, base in bases if base and base.priority == _TRACKING}
    context = _Context(_sets_of_the_past(ruleset), marks, at_tracking)
    rules = [_with(rule, list(_kept(rule))) for rule in ruleset.rules]
    doubts = {place: _doubts(rule, context) for place, rule in enumerate(rules)}
    doubts.update({place: Doubts([], 0) for place in refused})
    doubtful = {place: one for place, one in doubts.items() if one.matches or one.ending is not None}
    if not doubtful:
        return [ruleset.with_rules(rules)]
    others = [place for place, one in doubtful.items() if one.ending is None and _closes(rules[place]) is None]
    answers = list(_answers(len(others)))
    found = []
    for lets_through in (False, True):
        for answer in reversed(answers) if lets_through else answers:
            of_others = dict(zip(others, answer))
            found.append(
                [
                    _answered(rule, doubtful[place], lets_through, of_others.get(place, True))
                    if place in doubtful
                    else rule
                    for place, rule in enumerate(rules)
                ]
            )
    return [ruleset.with_rules(one) for at, one in enumerate(found) if one not in found[at + 1 :]]


def _answers(count: int) -> Iterator[list[bool]]:
    """Yield answers of *count* rules, in which any two of them have all four pairs."""
    yield [True] * count
    for bit in range(max(count - 1, 0).bit_length()):  # the numbers of any two rules differ in one of these
        yield [bool(number >> bit & 1) for number in range(count)]
        yield [not number >> bit & 1 for number in range(count)]
    yield [False] * count


def _with(rule: Rule, expressions: list[Expression]) -> Rule:
    return dataclasses.replace(rule, expressions=tuple(expressions))


def _kept(rule: Rule) -> Iterator[Expression]:
    for expression in rule.expressions:
        name = extension(expression) if expression.name == "target" else expression.name
        if name not in _LEFT_OUT:
            yield expression


def _closes(rule: Rule) -> bool | None:
    """Tell whether a rule drops what it matches; False where it accepts that, and None where it does neither."""
    codes = [code for code in map(verdict_of, rule.expressions) if code is not None]
    return {DROP: True, ACCEPT: False}.get(codes[-1]) if codes else None


def _answered(rule: Rule, doubts: Doubts, lets_through: bool, other: bool) -> Rule:
    """Return the rule with its doubts decided.

    :param other: the answer of a rule that neither drops nor accepts
    """
    expressions = list(rule.expressions)
    if doubts.ending is not None:
        expressions[doubts.ending :] = [verdict(ACCEPT if lets_through else DROP)]
        matches = True
    else:
        closes = _closes(rule)
        matches = other if closes is None else closes != lets_through
    if not matches and doubts.matches:
        return _with(rule, expressions[: doubts.matches[0]])
    return _with(rule, [one for at, one in enumerate(expressions) if at not in doubts.matches])


def _doubts(rule: Rule, context: _Context) -> Doubts:
    matches: list[int] = []
    varying: set[int] = set()
    for at, expression in enumerate(rule.expressions):
        attributes = expression.attributes()
        reads = _register(attributes.get(_READS.get(expression.name, -1)))
        tainted = reads is not None and any(register >= reads for register in varying)
        kind = _kind(expression, attributes, rule, context)
        writes = _register(attributes.get(_WRITES.get(expression.name, -1)))
        if kind == "ending" or (tainted and expression.name == "lookup" and writes == 0):
            return Doubts(matches, at)
        if kind == "match" or (tainted and expression.name in ("cmp", "range", "lookup", "objref")):
            matches.append(at)
        if writes is not None:
            varying.discard(writes)
            if kind == "varies" or tainted:
                varying.add(writes)
    harmless = all(expression.name in _OF_NO_CONSEQUENCE for expression in rule.expressions[-1:])
    return Doubts([] if harmless else matches, None)


def _kind(expression: Expression, attributes: dict[int, bytes], rule: Rule, context: _Context) -> str:
    """Return what is in doubt about an expression: "match", "ending" or what it reads, "varies"; empty for nothing."""
    name = expression.name
    if name in ("queue", "synproxy"):
        return "ending"
    if name in _PAST:
        return "match"
    if name == "objref":
        kind = number(attributes.get(1))
        return "match" if kind in _OBJECTS_OF_THE_PAST else "ending" if kind == _SYNPROXY_OBJECT else ""
    if name in ("lookup", "dynset"):
        of_the_past = (rule.table, read_text(attributes[1])) in context.changing or _asks_the_past(attributes, 7, 10)
        return "match" if of_the_past else ""
    if name == "match":
        known = _PLAIN_MATCHES - _MATCHES_OF_MARKS if context.marks else _PLAIN_MATCHES
        return "" if extension(expression) in known else "match"
    if name == "target":
        return "" if extension(expression) in _PLAIN_TARGETS else "ending"
    if name == "ct" and (rule.table, rule.chain) in context.at_tracking:
        return "varies"
    if context.marks and name in ("meta", "ct") and number(attributes.get(2)) == _MARK:
        return "varies"
    return "varies" if _varies(name, attributes) else ""


def _varies(name: str, attributes: dict[int, bytes]) -> bool:
    if name == "meta":
        return number(attributes.get(2)) in _VARYING_META
    if name == "ct":
        return number(attributes.get(2)) in _VARYING_CT
    if name == "payload" and 1 in attributes:
        base, offset, length = (number(attributes.get(kind)) for kind in (2, 3, 4))
        fixed = {_LINK: (_ETHERTYPE,), _NETWORK: _NETWORK_FIXED, _TRANSPORT: _TRANSPORT_FIXED}.get(base, ())
        inside = any(first <= offset and offset + length <= end for first, end in fixed)
        return not inside or (base, offset, length) == _TIME_TO_LIVE
    return name in _VARIES


def _register(content: bytes | None) -> int | None:
    """Return the place of a register among those of 4 bytes; the older ones have 16."""
    register = None if content is None else number(content)
    return register if register is None else register * 4 if register <= 4 else register - 4


def _sets_of_the_past(ruleset: Ruleset) -> set[tuple[str, str]]:
    """Return the sets, by table and name, whose elements have a rate or the like."""
    found: set[tuple[str, str]] = set()
    for one in ruleset.sets:
        elements = ruleset.elements.get((one.family, one.text(1), one.text(2)), [])
        kind = number(one.attributes.get(15))
        if (
            kind in _OBJECTS_OF_THE_PAST
            or _asks_the_past(one.attributes, 17, 18)
            or any(_asks_the_past(dict(walk(element)), 7, 11) for element in elements)
        ):
            found.add((one.table, one.text(2)))
    return found


def _asks_the_past(attributes: t.Mapping[int, bytes], single: int, several: int) -> bool:
    expressions = [attributes[single]] if single in attributes else []
    expressions += [content for _kind, content in walk(attributes.get(several, b""))]
    return any(read_text(dict(walk(one)).get(1, b"")) in _PAST for one in expressions)
