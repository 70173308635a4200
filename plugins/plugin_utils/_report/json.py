# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JSON, and back: what programs read, and what a later report is compared with."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .._matrix.sources import Source
from .._rules.canonical import HOOKS, Hook, Rule
from .._rules.protocols import parse_protocol
from .._values.addresses import FAMILIES, AddressSet, Family, read_cidrs
from .._values.errors import PortMatrixError, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_date, as_document, as_flag, as_identifier, as_list, as_mapping, as_strings
from .._values.ports import ANY_PORT, parse_ports
from .._values.words import day_text
from .baseline import Changes, PartyHosts
from .host_lists import endpoint_title
from .report import Party, Report
from .rule_numbers import RuleNumbers

VERSION = 1


@dataclass(frozen=True)
class Earlier:
    """What a later report needs of an earlier one."""

    scope: str
    rules: tuple[Rule, ...]
    hosts: tuple[PartyHosts, ...]


def report_as_document(report: Report) -> dict[str, t.Any]:
    """Return the report as plain data. Its form is ``docs/port-matrix-report.schema.json``."""
    return {
        "version": VERSION,
        "title": report.title,
        "scope": report.scope.text(),
        "revision": report.revision(),
        "rows": _rows(report),
        "endpoints": _endpoints(report),
        "flows": [
            {"rule": number, **rule.as_mapping()}
            for number, rule in zip(report.rule_numbers.of_rules, report.rules, strict=True)
        ],
        "changes": None if report.changes is None else changes_as_document(report.changes, report.rule_numbers),
        "change_request": None if report.change_request is None else report.change_request.as_mapping(),
        "notes": list(report.notes),
    }


def changes_as_document(changes: Changes, numbers: RuleNumbers) -> dict[str, t.Any]:
    """Return *changes* as plain data. What is new or gone of a rule has the short number of that."""
    by_kind = {
        kind: [{"rule": numbers.short(rule), **rule.as_mapping()} for rule in rules]
        for kind, rules in changes.by_kind().items()
    }
    return {"baseline_revision": changes.baseline, **by_kind}


def report_as_json(report: Report) -> str:
    """Return the report as JSON text."""
    return json.dumps(report_as_document(report), indent=2) + "\n"


def read_report(document: object, where: str) -> Earlier:
    """Read what :func:`report_as_json` wrote, as text or already parsed.

    :raises PortMatrixError: if it is something else; the message begins with *where*.
    """
    data = as_mapping(as_document(document, where, "the JSON file of an earlier report"), where)
    if data.get("version") != VERSION:
        problem = f"is not a report, or one of another version ({shown(data.get('version'))})"
        raise PortMatrixError.at(where, problem, f"the JSON file of an earlier report, version {VERSION}")
    flows = as_list(data.get("flows"), f"{where} flows")
    reader = _Reader(where)
    return Earlier(
        str(data.get("scope")),
        tuple(reader.rule(flow) for flow in flows),
        tuple(_read_hosts(one, f"{where} endpoints") for one in as_list(data.get("endpoints"), f"{where} endpoints")),
    )


def _read_hosts(value: object, where: str) -> PartyHosts:
    data = as_mapping(value, where)
    members = [as_mapping(member, where) for member in as_list(data.get("members"), where)]
    return (
        as_strings(data.get("names"), where),
        tuple((str(one.get("host")), read_cidrs(as_strings(one.get("addresses"), where), where)) for one in members),
    )


class _Reader:
    """Reads rules. The address sets of a report repeat from rule to rule and are long, so each is read once."""

    def __init__(self, where: str) -> None:
        self._where = f"{where} flows"
        self._sets: dict[tuple[str, ...], Mapping[Family, IntervalSet]] = {}

    def rule(self, value: object) -> Rule:
        # The first releases had no owner and no ticket.
        data = {"owner": "", "ticket": "", **as_mapping(value, self._where)}
        family: Family = (
            "ipv4" if as_choice(data.get("family"), f"{self._where} family", FAMILIES) == "ipv4" else "ipv6"
        )
        return Rule(
            row=as_identifier(data.get("row"), f"{self._where} row"),
            purpose=self._text(data, "purpose"),
            group=self._text(data, "group"),
            tls=as_flag(data.get("tls"), f"{self._where} tls"),
            reference=self._text(data, "reference"),
            protocol=parse_protocol(data.get("protocol"), f"{self._where} protocol"),
            family=family,
            source_endpoint=self._strings(data, "source_endpoint"),
            source=self._addresses(data, "source", family),
            source_ports=self._ports(data, "source_ports"),
            destination_endpoint=self._strings(data, "destination_endpoint"),
            destination=self._addresses(data, "destination", family),
            destination_ports=self._ports(data, "destination_ports"),
            owner=self._text(data, "owner"),
            ticket=self._text(data, "ticket"),
            expires=as_date(data.get("expires"), f"{self._where} expires"),
            hook=None if "hook" not in data else t.cast(Hook, as_choice(data["hook"], f"{self._where} hook", HOOKS)),
        )

    def _text(self, data: Mapping[str, object], key: str) -> str:
        (text,) = as_strings([data.get(key)], f"{self._where} {key}")
        return text

    def _strings(self, data: Mapping[str, object], key: str) -> tuple[str, ...]:
        return as_strings(data.get(key), f"{self._where} {key}")

    def _ports(self, data: Mapping[str, object], key: str) -> IntervalSet:
        ports = self._strings(data, key)
        return parse_ports(list(ports), f"{self._where} {key}") if ports else ANY_PORT

    def _addresses(self, data: Mapping[str, object], key: str, family: Family) -> IntervalSet:
        cidrs = self._strings(data, key)
        if cidrs not in self._sets:
            read = read_cidrs(cidrs, f"{self._where} {key}")
            self._sets[cidrs] = {name: read.of_family(name) for name in FAMILIES}
        return self._sets[cidrs][family]


def _rows(report: Report) -> list[dict[str, t.Any]]:
    rules = {rule.row: rule for rule in report.rules}
    return [
        {
            "number": report.numbers[row],
            "id": row,
            "purpose": rule.purpose,
            "group": rule.group,
            "tls": rule.tls,
            "reference": rule.reference,
            "owner": rule.owner,
            "ticket": rule.ticket,
            "expires": day_text(rule.expires),
        }
        for row, rule in rules.items()
    ]


def _endpoints(report: Report) -> list[dict[str, t.Any]]:
    """Who is who: every set of addresses that flows name, with the hosts that have them."""

    def member(host: str, addresses: AddressSet, sources: Iterable[Source]) -> dict[str, t.Any]:
        data = {"host": host, "addresses": addresses.cidrs("ipv4") + addresses.cidrs("ipv6")}
        said = [source.as_mapping() for source in sources]
        return {**data, "sources": said} if said else data

    def members(party: Party) -> list[dict[str, t.Any]]:
        return [member(host, addresses, party.sources[host]) for host, addresses in party.hosts]

    return [
        {
            "names": list(party.endpoints),
            "titles": [endpoint_title(name) for name in party.endpoints],
            "members": members(party),
        }
        for party in report.parties
    ]
