# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a packet through a base chain of nftables, as far as that can be told from outside of the kernel.

A match is true, false or unknown, so a rule or chain has a set of possible outcomes. Where something cannot be known (a
rate limit, a mark, an extension of iptables), every outcome that it allows is in that set.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.listing import (
    Chain,
    Match,
    Rule,
    Table,
    translated_states,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.sets import (
    AnonymousSets,
    Answer,
    Lookup,
    read_constant,
    within,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.statements import (
    always_goes_on,
    is_harmless_extension,
    is_match,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import (
    ABSENT,
    CONNTRACK_PRIORITY,
    NO_INTERFACE,
    UNKNOWN,
    Expression,
    Passage,
    Value,
)

_ENDINGS = {"accept", "drop", "reject", "queue", "return", "continue"}
_MATCHES_STATE = ("conntrack", "state")
_STATES = {8: "new", 1: "invalid"}
_COMPARE: dict[str, t.Callable[[int, int], bool]] = {
    "<": lambda value, other: value < other,
    ">": lambda value, other: value > other,
    "<=": lambda value, other: value <= other,
    ">=": lambda value, other: value >= other,
}
_BITS: dict[str, t.Callable[[int, int], int]] = {
    "&": lambda value, other: value & other,
    "|": lambda value, other: value | other,
    "^": lambda value, other: value ^ other,
}


@dataclass(frozen=True, eq=False)
class Cause:
    """What drops: a rule, or the policy of a base chain."""

    chain: Chain
    rule: Rule | None = None


@dataclass
class Outcomes:
    """What may happen: the packet is accepted, is dropped, leaves this chain, or goes on in it.

    ``drops`` are the causes of a drop, but only the first and the last one where there are more.
    """

    accept: bool = False
    drops: list[Cause] = field(default_factory=list)
    leaves: bool = False
    goes_on: bool = False

    def add(self, other: Outcomes) -> None:
        """Add the outcomes *other*, but for going on."""
        self.accept |= other.accept
        self.leaves |= other.leaves
        if other.drops:
            self.drops = [*(self.drops[:1] or other.drops[:1]), other.drops[-1]]


# What a rule does that does not match. It is not changed.
_GOES_ON = Outcomes(goes_on=True)


@dataclass(frozen=True)
class Exempt:
    """What is not judged: our table, the chains that our rules are at the head of, and chains of ours in others.

    ``joined`` is by table (``inet filter``); ``prefix`` is how the names of our chains begin.
    """

    table: str = ""
    prefix: str = ""
    joined: t.Mapping[str, t.Collection[str]] = field(default_factory=dict)

    def covers(self, chain: Chain) -> bool:
        """Tell whether the base chain *chain* is not judged."""
        return chain.table == self.table or self.lets_through(chain.table, chain.name) or self.is_ours(chain.name)

    def lets_through(self, table: str, chain: str) -> bool:
        """Tell whether our rules are, or are going to be, at the head of a chain."""
        return chain in self.joined.get(table, ())

    def is_ours(self, chain: str) -> bool:
        """Tell whether a chain of this name is ours."""
        return bool(self.prefix) and chain.startswith(self.prefix)


class Walk:
    """The way of one packet through one base chain and the chains that it jumps to."""

    def __init__(self, table: Table, exempt: Exempt, anonymous: AnonymousSets, passage: Passage) -> None:
        self._exempt = exempt
        self._anonymous = anonymous
        self._table = table
        self.passage = passage
        self._known: dict[str, Outcomes] = {}
        self._read: dict[str, tuple[tuple[str, ...], tuple[Value, ...]]] = {}

    def base_chain(self, base: Chain) -> Outcomes:
        """Return what the base chain does: accept or drop."""
        outcomes = self._chain(base)
        if outcomes.leaves:
            outcomes.leaves = False
            if base.policy == "drop":
                outcomes.add(Outcomes(drops=[Cause(base)]))
            else:
                outcomes.accept = True
        return outcomes

    def _chain(self, chain: Chain) -> Outcomes:
        outcomes = Outcomes()
        for rule in chain.rules:
            of_rule = self._rule(chain, rule)
            if of_rule is not _GOES_ON:
                outcomes.add(of_rule)
                if not of_rule.goes_on:
                    return outcomes
        outcomes.leaves = True
        return outcomes

    def _rule(self, chain: Chain, rule: Rule) -> Outcomes:
        outcomes = _GOES_ON
        for name, details in rule.statements:
            if name == "match":
                answer = self._match(details)
            else:
                verdict = self._verdict(name, details, Cause(chain, rule))
                if verdict is not None:
                    verdict.goes_on |= outcomes is not _GOES_ON
                    verdict.add(outcomes)
                    return verdict
                answer = self._passes(name, details, rule)
            if answer is False:
                return outcomes
            if answer is None:
                drops = [] if is_match(name, details) else [Cause(chain, rule)]
                so_far, outcomes = outcomes, Outcomes(accept=bool(drops), drops=drops, goes_on=True)
                outcomes.add(so_far)
        return outcomes

    def _verdict(self, name: str, details: t.Any, cause: Cause) -> Outcomes | None:
        """Return what a statement that ends a rule does; None for any other."""
        if name in ("jump", "goto"):
            return self._jump(details["target"], returns=name == "jump")
        if name == "vmap":
            return self._verdict_map(details, cause)
        if name == "xt" and isinstance(details, dict) and details.get("name") == "REJECT":
            name = "reject"
        if name == "reject" and not self._rejects(details):
            return Outcomes(goes_on=True)
        return _ending(name, cause) if name in _ENDINGS else None

    def _rejects(self, details: t.Any) -> bool:
        """Tell whether this kind of refusal exists for the packet; nft leaves the match for that out of the rule."""
        packet, kind = self.passage.packet, details.get("type") if isinstance(details, dict) else None
        wanted = {
            "tcp reset": packet.protocol == "tcp",
            "icmp": packet.family == "ipv4",
            "icmpv6": packet.family == "ipv6",
        }
        return wanted.get(str(kind), True)

    def _jump(self, target: str, returns: bool) -> Outcomes:
        if self._exempt.is_ours(target):
            return Outcomes(goes_on=True)
        if self._exempt.lets_through(self._table.name, target):
            return Outcomes(accept=True)
        if target not in self._known:
            self._known[target] = self._chain(self._table.chains[target])
        known = self._known[target]
        outcomes = Outcomes(goes_on=known.leaves and returns)
        outcomes.add(known)
        outcomes.leaves = known.leaves and not returns
        return outcomes

    def _verdict_map(self, details: dict[str, t.Any], cause: Cause) -> Outcomes:
        lookup = self._look_up(details.get("key"), details.get("data"), is_map=True)
        if lookup is None:
            return Outcomes(accept=True, drops=[cause], leaves=True, goes_on=True)
        # Nothing matched, or only maybe: then the packet goes on.
        outcomes = Outcomes(goes_on=lookup.found is None)
        for element in [lookup.found] if lookup.found else lookup.possible:
            ((name, target),) = element.data.items()
            verdict = self._verdict(name, target, cause)
            if verdict is not None:
                outcomes.add(verdict)
                outcomes.goes_on |= verdict.goes_on
        return outcomes

    def _passes(self, name: str, details: t.Any, rule: Rule) -> Answer:
        """Tell whether the rule goes on after a statement that is no verdict."""
        if name == "xt":
            return self._extension(details, rule)
        if name in ("set", "map", "meter", "mangle"):
            key = details.get("elem", details.get("key"))
            if ABSENT in self._operands(key)[1]:
                return False
        if name == "notrack":
            self._exempt_from_tracking()
        return True if always_goes_on(name, details) else None

    def _exempt_from_tracking(self) -> None:
        if self.passage.priority <= CONNTRACK_PRIORITY:
            self.passage.untracked = True
            self._known.clear()
            self._read.clear()

    def _extension(self, details: t.Any, rule: Rule) -> Answer:
        """Judge an extension of iptables, of which nft's JSON has the name only."""
        about = details if isinstance(details, dict) else {}
        kind, name = about.get("type"), about.get("name")
        if kind == "match" and name in _MATCHES_STATE:
            return self._translated_state(rule)
        if kind == "target" and name in ("CT", "NOTRACK"):
            self._exempt_from_tracking()
        return True if is_harmless_extension(kind, name) else None

    def _translated_state(self, rule: Rule) -> Answer:
        translated = translated_states(rule)
        state = self.passage.operand({"ct": {"key": "state"}})[1]
        if translated is None or not isinstance(state, int):
            return None
        negated, states, is_all = translated
        if (_STATES[state] in states) == negated:
            return False
        return True if is_all else None

    def _match(self, match: Match) -> Answer:
        operands = self._read.get(match.key)
        if operands is None:
            operands = self._read[match.key] = self._operands(match.left)
        kinds, values = operands
        if values[0] is ABSENT or ABSENT in values:
            return False
        if match.is_in_set:
            lookup = self._look_up(match.left, match.right, is_map=False)
            answer = lookup.answer if lookup else None
        elif len(values) == 1 and match.operator in ("==", "!="):
            answer = within(values[0], match.span(kinds[0]))
        else:
            return _compare(kinds[0], values[0], match.operator, match.right)
        if match.operator == "!=":
            return None if answer is None or NO_INTERFACE in values else not answer
        return answer

    def _operands(self, left: Expression) -> tuple[tuple[str, ...], tuple[Value, ...]]:
        parts = left["concat"] if isinstance(left, dict) and "concat" in left else [left]
        pairs = [self._operand(part) for part in parts]
        return tuple(kind for kind, _value in pairs), tuple(value for _kind, value in pairs)

    def _operand(self, expression: Expression) -> tuple[str, Value]:
        for operator, apply in _BITS.items():
            if isinstance(expression, dict) and isinstance(expression.get(operator), list):
                first, *others = expression[operator]
                kind, value = self._operand(first)
                for other in others:
                    constant = read_constant(kind, other)
                    if isinstance(value, int) and isinstance(constant, int):
                        value = apply(value, constant)
                    elif value is not ABSENT:
                        value = UNKNOWN
                return kind, value
        return self.passage.operand(expression)

    def _look_up(self, key: Expression, data: Expression, is_map: bool) -> Lookup | None:
        """Return what a set or map has for *key*; None where it cannot be read."""
        kinds, values = self._operands(key)
        if ABSENT in values:
            return Lookup()
        if isinstance(data, str):
            elements = self._table.set_of(data[1:], kinds)
        elif isinstance(data, dict) and isinstance(data.get("set"), list):
            elements = self._anonymous.get(data["set"], kinds, is_map)
        else:
            elements = None
        return elements.look_up(values) if elements else None


def _ending(name: str, cause: Cause) -> Outcomes:
    return Outcomes(
        accept=name in ("accept", "queue"),  # who listens to a queue decides
        drops=[cause] if name in ("drop", "reject", "queue") else [],
        leaves=name == "return",
        goes_on=name == "continue",
    )


def _compare(kind: str, value: Value, operator: str, right: Expression) -> Answer:
    """Compare *value* with the constant *right* in another way than as equal."""
    constant = read_constant(kind, right)
    if not isinstance(value, int) or not isinstance(constant, int):
        return None
    if operator in ("in", "!"):
        return bool(value & constant) == (operator == "in")
    return _COMPARE[operator](value, constant) if operator in _COMPARE else None
