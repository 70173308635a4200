# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of a port matrix: who talks to whom, over which protocol, from and to which ports."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._rules.protocols import check_without_ports, families_of, has_ports, parse_protocols
from .._values.addresses import Family
from .._values.errors import PortMatrixError, ProblemList, names, shown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_date, as_flag, as_identifier, as_list, as_mapping, as_strings, as_text
from .._values.ports import ANY_PORT, format_ports, parse_ports
from .._values.words import day_text

GROUPS = ("integration", "strict_clients", "platform", "video_endpoints", "federation", "custom")
ROW_KEYS = (
    "id",
    "purpose",
    "source",
    "destination",
    "bidirectional",
    "protocols",
    "source_ports",
    "destination_ports",
    "tls",
    "group",
    "reference",
    "owner",
    "ticket",
    "expires",
)
ROWS, EXTRA_ROWS = "port_matrix_rows", "port_matrix_extra_rows"
_PORTS = ("source_ports", "destination_ports")
_NEEDED = ("id", "source", "destination", "protocols")


@dataclass(frozen=True)
class Row:
    """One row of the matrix. Port names are resolved: ``source_ports`` and ``destination_ports`` are sets of ports.

    ``expires`` is the last day on which somebody wants it.
    """

    id: str
    purpose: str
    source: tuple[str, ...]
    destination: tuple[str, ...]
    bidirectional: bool
    protocols: tuple[str, ...]
    source_ports: IntervalSet
    destination_ports: IntervalSet
    tls: bool
    group: str
    reference: str
    owner: str
    ticket: str
    expires: datetime.date | None

    @classmethod
    def parse(cls, value: object, where: str, ranges: Mapping[str, IntervalSet]) -> Row:
        """Check *value* (the row schema) and resolve its ports with *ranges*.

        :raises PortMatrixError: for anything that is not a row; the message begins with *where* and the row's id.
        """
        if isinstance(value, Mapping) and isinstance(value.get("id"), str):
            where = f"{where} row {shown(value['id'])}"
        data = as_mapping(value, where, ROW_KEYS)
        for key in _NEEDED:
            if key not in data:
                raise PortMatrixError.at(where, f"has no {key}", f"a row with {names(_NEEDED)}")
        protocols = parse_protocols(data["protocols"], f"{where} protocols")
        row_id = as_identifier(data["id"], f"{where} id")
        return cls(
            id=row_id,
            purpose=as_text(data.get("purpose", row_id), f"{where} purpose"),
            source=_endpoint_names(data, "source", where),
            destination=_endpoint_names(data, "destination", where),
            bidirectional=as_flag(data.get("bidirectional", False), f"{where} bidirectional"),
            protocols=protocols,
            source_ports=_ports(data, "source_ports", protocols, where, ranges),
            destination_ports=_ports(data, "destination_ports", protocols, where, ranges),
            tls=as_flag(data.get("tls", False), f"{where} tls"),
            group=as_choice(data.get("group", "custom"), f"{where} group", GROUPS),
            reference=as_text(data.get("reference", ""), f"{where} reference"),
            owner=as_text(data.get("owner", ""), f"{where} owner"),
            ticket=as_text(data.get("ticket", ""), f"{where} ticket"),
            expires=as_date(data.get("expires"), f"{where} expires"),
        )

    def as_mapping(self) -> dict[str, t.Any]:
        """Write the row in the row schema; :meth:`parse` reads it back without range names."""
        data = {
            "id": self.id,
            "purpose": self.purpose,
            "source": list(self.source),
            "destination": list(self.destination),
            "bidirectional": self.bidirectional,
            "protocols": list(self.protocols),
            "source_ports": format_ports(self.source_ports) or "any",
            "destination_ports": format_ports(self.destination_ports) or "any",
            "tls": self.tls,
            "group": self.group,
            "reference": self.reference,
            "owner": self.owner,
            "ticket": self.ticket,
            "expires": day_text(self.expires),
        }
        return data if self.has_ports else {key: data[key] for key in data if key not in _PORTS}

    @property
    def has_ports(self) -> bool:
        """Whether its protocols have ports: all of them have, or none has."""
        return has_ports(self.protocols[0])

    def families(self) -> frozenset[Family]:
        """The families that one of its protocols belongs to."""
        return frozenset(family for protocol in self.protocols for family in families_of(protocol))

    def directions(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """The (source, destination) endpoints of each direction; both go to the same destination ports."""
        forth = (self.source, self.destination)
        back = (self.destination, self.source)
        return (forth, back) if self.bidirectional and back != forth else (forth,)

    def endpoints(self) -> tuple[str, ...]:
        """Every endpoint that the row names."""
        return tuple(sorted({*self.source, *self.destination}))


def _some(data: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    strings = as_strings(data[key], f"{where} {key}")
    if not strings:
        raise PortMatrixError.at(f"{where} {key}", "is an empty list", "at least one")
    return strings


def _ports(
    data: Mapping[str, object], key: str, protocols: Sequence[str], where: str, ranges: Mapping[str, IntervalSet]
) -> IntervalSet:
    """Read the ports of one side. A protocol without ports has any, and no key for them."""
    place = f"{where} {key}"
    if key in data:
        check_without_ports(protocols[0], place)
        return parse_ports(data[key], place, ranges)
    if key == "destination_ports" and has_ports(protocols[0]):
        raise PortMatrixError.at(where, f"has no {key}", f"a row with {names((*_NEEDED, key))}")
    return ANY_PORT


def _endpoint_names(data: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    return tuple(sorted({as_identifier(name, f"{where} {key}") for name in _some(data, key, where)}))


class Origin:
    """Which variable rows were written in: those of *extra_rows*, told by their ids, in a variable of their own."""

    def __init__(self, extra_rows: object = ()) -> None:
        given = as_list(extra_rows, EXTRA_ROWS)
        self._own = [row.get("id") for row in given if isinstance(row, Mapping)]

    def variable(self, row_id: object) -> str:
        """The variable that has the row with this id."""
        return EXTRA_ROWS if row_id in self._own else ROWS


def parse_rows(
    rows: object, where: str, ranges: Mapping[str, IntervalSet], origin: Origin | None = None
) -> tuple[Row, ...]:
    """Check *rows* (the row schema) and return them in their order.

    :param where: what they are in, where *origin* does not say it of each.
    :raises PortMatrixError: with every row that is wrong, and ids that stand twice.
    """
    problems = ProblemList()
    parsed: list[Row] = []
    for value in as_list(rows, where):
        row_id = value.get("id") if isinstance(value, Mapping) else None
        place = origin.variable(row_id) if origin else where
        row = problems.attempt(Row.parse, value, place, ranges)
        if row and any(row.id == other.id for other in parsed):
            problems.add(f"{place}: row id {row.id} occurs twice; accepted: an id of its own for each row")
        elif row:
            parsed.append(row)
    problems.raise_if_any()
    return tuple(parsed)
