# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules as aerleon's policy: a term for each, by its number, with its owner, its last day and what it is for."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .._rules.canonical import Rule
from .._values.addresses import Family
from .._values.intervals import IntervalSet
from .._values.ports import ANY_PORT
from .._values.words import day_text
from .definitions import Definitions, Entry, comment

Entries = Callable[[tuple[str, ...], Family, IntervalSet], Sequence[Entry]]
"""Who has which of some addresses of endpoints: endpoints, family, addresses → hosts with their networks."""
Term = dict[str, t.Any]


@dataclass(frozen=True)
class Policy:
    """Every rule with its term, and the definitions that terms name."""

    terms: tuple[tuple[Rule, Term], ...]
    definitions: dict[str, t.Any]

    def as_document(self, name: str) -> dict[str, t.Any]:
        """Write it as aerleon's own commands read it. They want some platform, and here it is one that has all."""
        header = {"comment": "Port matrix", "targets": {"nftables": "mixed forward"}}
        return {"filename": name, "filters": [{"header": header, "terms": [term for _rule, term in self.terms]}]}


def make_policy(rules: Sequence[Rule], numbers: Sequence[str], entries: Entries) -> Policy:
    """Make the policy of *rules*, whose *numbers* are their names there."""
    definitions = Definitions()
    terms = tuple(
        (rule, _term(rule, number, definitions, entries)) for rule, number in zip(rules, numbers, strict=True)
    )
    return Policy(terms, definitions.as_document())


def _term(rule: Rule, number: str, definitions: Definitions, entries: Entries) -> Term:
    sides = (
        ("source", rule.source_endpoint, rule.source),
        ("destination", rule.destination_endpoint, rule.destination),
    )
    term: Term = {"name": number, "comment": _said(rule)}
    if rule.owner:
        term["owner"] = re.sub(r"[^A-Za-z0-9]+", "-", rule.owner).strip("-") or "unknown"
    if rule.expires:
        term["expiration"] = day_text(rule.expires)
    for side, endpoints, addresses in sides:
        found = entries(endpoints, rule.family, addresses)
        term[f"{side}-address"] = definitions.network(endpoints, rule.family, addresses, found)
    term["protocol"] = rule.protocol
    if rule.has_ports:
        if rule.source_ports != ANY_PORT:
            term["source-port"] = definitions.service(rule, rule.source_ports)
        # Without any, some platforms are given a service that is all protocols.
        term["destination-port"] = definitions.service(rule, rule.destination_ports)
    term["action"] = "accept"
    return term


def _said(rule: Rule) -> str:
    """What people read next to the term."""
    parts = [rule.purpose, rule.owner and f"owner {rule.owner}", rule.ticket and f"ticket {rule.ticket}"]
    parts.append(f"until {day_text(rule.expires)}" if rule.expires else "")
    return comment(", ".join(part for part in (rule.row, *parts) if part))
