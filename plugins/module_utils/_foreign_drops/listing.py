# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ruleset of a host as ``nft -j list ruleset`` prints it, and the words of its rules as ``nft -a`` does."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import typing as t
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.sets import (
    ElementSet,
    Span,
    read_span,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import Expression
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import UnreadableError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.text import blocks, rule_words

_FAMILIES = {"ipv4": ("inet", "ip"), "ipv6": ("inet", "ip6")}
# Chains of type route are for output, and can drop as well. Those of type nat rewrite.
_TYPES = ("filter", "route")
_QUOTED = re.compile(r'"[^"]*"')
_CONNTRACK = re.compile(r"\bct state (!= )?([a-z,]+)")


@dataclass
class Match:
    """A match of a rule. ``key`` is equal for equal left sides; ``spans`` are the right side as read, by kind.

    ``is_in_set`` tells whether the right side is a set.
    """

    left: Expression
    operator: str
    right: Expression
    key: str
    is_in_set: bool
    spans: dict[str, Span] = field(default_factory=dict)

    @classmethod
    def of(cls, details: dict[str, t.Any]) -> Match:
        """Read the statement ``match``."""
        left, right = details.get("left"), details.get("right")
        if isinstance(right, dict) and "concat" in right:
            right = {"set": [right]}
        named = isinstance(right, str) and right.startswith("@")
        is_in_set = named or (isinstance(right, dict) and "set" in right)
        return cls(left, str(details.get("op")), right, sys.intern(json.dumps(left)), is_in_set)

    def span(self, kind: str) -> Span:
        """Return the right side as a constant, range or prefix of *kind*."""
        span = self.spans.get(kind)
        if span is None:
            span = self.spans[kind] = read_span(kind, self.right)
        return span


@dataclass
class Rule:
    """One rule: its statements by name, and how nft writes it down (empty where that is not known)."""

    handle: int
    statements: list[tuple[str, Expression]]
    comment: str = ""
    text: str = ""


@dataclass
class Chain:
    """One chain; a base chain has a hook."""

    table: str
    name: str
    type: str = ""
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    rules: list[Rule] = field(default_factory=list)

    def add_texts(self, block: str) -> None:
        """Take the words of its rules from its text with handles; none where that is not clear."""
        with contextlib.suppress(UnreadableError):
            words = rule_words(block, {rule.handle: rule.comment for rule in self.rules})
            for rule in self.rules:
                rule.text = words[rule.handle]

    @property
    def family(self) -> str:
        """The family of its table."""
        return self.table.split(" ", 1)[0]


class Table:
    """One table: its chains, and the elements of its sets and maps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dormant = False  # its chains are not called
        self.chains: dict[str, Chain] = {}
        self.elements: dict[str, tuple[list[Expression], bool]] = {}
        self._sets: dict[tuple[str, tuple[str, ...]], ElementSet] = {}

    def add_texts(self, text: str) -> None:
        """Take the words of its rules, and whether it is dormant, from its *text* with handles."""
        flags = text.split("\n", 2)[1]  # come first; whatever is further down can be in a comment
        self.dormant = flags.startswith("\tflags ") and "dormant" in flags
        heads = {f"chain {name}": chain for name, chain in self.chains.items()}
        for head, block in blocks(text, heads).items():
            heads[head].add_texts(block)

    def set_of(self, name: str, kinds: tuple[str, ...]) -> ElementSet | None:
        """Return the set or map *name* for keys of *kinds*; None where there is none."""
        if name not in self.elements:
            return None
        if (name, kinds) not in self._sets:
            elements, is_map = self.elements[name]
            self._sets[name, kinds] = ElementSet(kinds, elements, is_map)
        return self._sets[name, kinds]


@dataclass
class Ruleset:
    """All tables, by family and name in one string (``inet filter``)."""

    tables: dict[str, Table]

    def base_chains(self, family: str, hook: str) -> list[Chain]:
        """Return the base chains that judge packets of *family* at *hook*, in the kernel's order."""
        found = [
            chain
            for table in self.tables.values()
            if not table.dormant
            for chain in table.chains.values()
            if chain.hook == hook and chain.type in _TYPES and chain.family in _FAMILIES[family]
        ]
        return sorted(found, key=lambda chain: chain.priority)

    def has_others(self, owned_table: str) -> bool:
        """Tell whether there is any table but *owned_table*."""
        return bool(set(self.tables) - {owned_table})

    def add_texts(self, listing: str) -> None:
        """Take the words of the rules, and which tables are dormant, from the output of ``nft -a list ruleset``.

        The JSON of nft 1.0.6 has something else for the flags of a table.
        """
        heads = {f"table {name}": table for name, table in self.tables.items()}
        for head, text in blocks(listing, heads, indent="").items():
            heads[head].add_texts(text)


def read_ruleset(items: t.Iterable[dict[str, t.Any]]) -> Ruleset:
    """Read the list ``nftables`` of nft's JSON."""
    ruleset = Ruleset({})
    for item in items:
        ((kind, about),) = item.items()
        if kind == "table":
            name = f"{about['family']} {about['name']}"
            ruleset.tables[name] = Table(name)
        elif kind in ("chain", "rule", "set", "map"):
            _add(ruleset.tables[f"{about['family']} {about['table']}"], kind, about)
    return ruleset


def _add(table: Table, kind: str, about: dict[str, t.Any]) -> None:
    if kind == "chain":
        table.chains[about["name"]] = Chain(
            table=table.name,
            name=about["name"],
            type=about.get("type", ""),
            hook=about.get("hook", ""),
            priority=about.get("prio", 0),
            policy=about.get("policy", "accept"),
        )
    elif kind == "rule":
        statements = [next(iter(statement.items())) for statement in about.get("expr", [])]
        read = [(name, Match.of(details) if name == "match" else details) for name, details in statements]
        table.chains[about["chain"]].rules.append(Rule(about["handle"], read, about.get("comment", "")))
    else:
        table.elements[about["name"]] = (about.get("elem", []), kind == "map")


def translated_states(rule: Rule) -> tuple[bool, set[str], bool] | None:
    """Return what the words of a rule of iptables say about the state of connections, which its JSON does not.

    That is whether it is negated, the states, and whether the rule asks connection tracking for nothing else. None
    where it cannot be told.
    """
    text = _QUOTED.sub("", rule.text)
    found = _CONNTRACK.findall(text)
    if len(found) != 1:
        return None
    ((negated, states),) = found
    return bool(negated), set(states.split(",")), len(re.findall(r"\bct ", text)) == 1
