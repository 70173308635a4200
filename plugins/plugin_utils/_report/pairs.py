# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules taken apart: one source and one destination a line, each with its host, as network teams filter them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from .._matrix.site import Site
from .._rules.canonical import Rule
from .._values.addresses import Family, format_cidrs
from .._values.intervals import IntervalSet
from .host_lists import LITERAL_NETWORKS
from .report import Report
from .words import tls_text

HEADER = (
    "rule",
    "row",
    "purpose",
    "protocol",
    "family",
    "source_host",
    "source",
    "source_ports",
    "destination_host",
    "destination",
    "destination_ports",
    "tls",
    "owner",
    "ticket",
    "expires",
    "reference",
)
# A line is some 200 bytes, and a mesh of thousands of addresses has millions of pairs, which nobody reads.
MOST_LINES = 100_000

_Entry = tuple[str, str]


class Pairs:
    """The pairs of one report: how many there are, which is told fast, and the pairs themselves, as mappings."""

    def __init__(self, report: Report, site: Site) -> None:
        self._site = site
        self._known: dict[tuple[tuple[str, ...], Family, IntervalSet], Sequence[_Entry]] = {}
        self._rules = [
            (
                number,
                rule,
                self.entries(rule.source_endpoint, rule.family, rule.source),
                self.entries(rule.destination_endpoint, rule.family, rule.destination),
            )
            for number, rule in zip(report.rule_numbers.of_rules, report.rules, strict=True)
        ]

    def __len__(self) -> int:
        return sum(len(sources) * len(destinations) for _number, _rule, sources, destinations in self._rules)

    def are_too_many(self) -> bool:
        """Whether nobody would read them."""
        return len(self) > MOST_LINES

    def __iter__(self) -> Iterator[dict[str, t.Any]]:
        for number, rule, sources, destinations in self._rules:
            data = {"rule": number, **_for_people(rule)}
            for source_host, source in sources:
                for destination_host, destination in destinations:
                    yield {
                        **data,
                        "source_host": source_host,
                        "source": source,
                        "destination_host": destination_host,
                        "destination": destination,
                    }

    def by_rule(self) -> Iterator[dict[str, t.Any]]:
        """Yield one mapping for each rule instead, with lists of hosts and addresses."""
        for number, rule, sources, destinations in self._rules:
            yield {
                "rule": number,
                **_for_people(rule),
                "source_host": list(dict.fromkeys(host for host, _cidr in sources)),
                "destination_host": list(dict.fromkeys(host for host, _cidr in destinations)),
            }

    def entries(self, endpoints: tuple[str, ...], family: Family, addresses: IntervalSet) -> Sequence[_Entry]:
        """Each host of *endpoints* with each of its networks among *addresses*, by host."""
        key = (endpoints, family, addresses)
        if key not in self._known:
            self._known[key] = sorted(
                (LITERAL_NETWORKS if host is None else host, cidr)
                for host, member in self._site.side(endpoints).members.items()
                for cidr in format_cidrs(member.addresses.all().of_family(family).intersection(addresses), family)
            )
        return self._known[key]


def _for_people(rule: Rule) -> dict[str, t.Any]:
    """Return a rule as they read it: TLS also where the vendor's table does not say so."""
    return {**rule.as_mapping(), "tls": tls_text(rule.tls, [rule.protocol], rule.destination_ports) == "TLS"}
