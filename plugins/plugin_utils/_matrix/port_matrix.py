# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's port matrix: the data file, and what a site makes of it (its ranges, its rows)."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from .._values.errors import PortMatrixError, ProblemList, names, nearest_text, shown, unknown
from .._values.intervals import IntervalSet
from .._values.mapping import as_choice, as_flag, as_identifier, as_list, as_mapping, as_strings, as_text
from .._values.ports import format_ports, parse_ports
from .endpoints import EndpointDefinition, parse_endpoint
from .rows import EXTRA_ROWS, GROUPS, ROW_KEYS, Row, parse_rows

ANSWERS = ("stun", "tls")
# The row groups that are the vendor's numbered table for Skype for Business, and those that a site can switch on.
NUMBERED_GROUPS = ("integration", "strict_clients")
ROW_GROUPS = tuple(group for group in GROUPS if group != "custom")

_KEYS = ("editions", "port_ranges", "endpoints", "left_out_when_empty", "alternatives", "rows")
_PSOM_OF_FRONT_ENDS = IntervalSet(((8057, 8057),))
_DATA = Path(__file__).with_name("port_matrix.yml")


@dataclass(frozen=True)
class PortRange:
    """A named range of ports, with what deployments may set it to, and what a service there answers to."""

    name: str
    ports: IntervalSet
    set_by: str
    within: IntervalSet | None = None
    at_least: int = 1
    answers: str = ""

    def checked(self, ports: IntervalSet, where: str) -> IntervalSet:
        """Return *ports* where the vendors accept them for this range.

        :raises PortMatrixError: if they are outside, or too few.
        """
        if self.within and not ports.issubset(self.within):
            raise PortMatrixError.at(
                where, f"{' '.join(format_ports(ports)) or 'any'} is outside what can be set", self._accepted()
            )
        if ports.size() < self.at_least:
            raise PortMatrixError.at(where, f"{' '.join(format_ports(ports))} is too few ports", self._accepted())
        return ports

    def _accepted(self) -> str:
        within = " ".join(format_ports(self.within)) if self.within else "1-65535"
        return f"ports in {within}, at least {self.at_least} ({self.set_by})"


@dataclass(frozen=True)
class PortMatrix:
    """The vendor's table as the collection ships it. ``rows`` are in the row schema, with range names.

    ``only_by_name`` are the ids of rows that apply where a site names them, and not with their group.
    ``left_out_when_empty`` are the groups whose rows are left out where an endpoint of theirs has no host.
    ``alternatives`` are switch → row id → the rows in its place.
    """

    ranges: Mapping[str, PortRange]
    endpoints: Mapping[str, EndpointDefinition]
    rows: tuple[Mapping[str, t.Any], ...]
    only_by_name: frozenset[str] = frozenset()
    left_out_when_empty: frozenset[str] = frozenset()
    alternatives: Mapping[str, Mapping[str, tuple[Mapping[str, t.Any], ...]]] = field(default_factory=dict)

    def variants(self) -> tuple[Mapping[str, t.Any], ...]:
        """The rows, each with those that a switch puts in its place behind it."""
        found: list[Mapping[str, t.Any]] = []
        for row in self.rows:
            found.append(row)
            for places in self.alternatives.values():
                found += places.get(str(row["id"]), ())
        return tuple(found)


def parse_port_matrix(document: object) -> PortMatrix:
    """Check a whole data file.

    :raises PortMatrixError: if anything in it is not as it should be, with every problem on a line of its own.
    """
    where = _DATA.name
    data = as_mapping(document, where, _KEYS)
    ranges = {}
    for name, value in _items(data, "port_ranges"):
        spec = as_mapping(value, f"{where} {name}", ("ports", "within", "at_least", "answers", "set_by"))
        within = parse_ports(spec["within"], f"{where} {name} within") if "within" in spec else None
        at_least = int(str(spec.get("at_least", 1)))
        set_by = as_text(spec.get("set_by", ""), f"{where} {name} set_by")
        ports = parse_ports(spec.get("ports"), f"{where} {name} ports")
        answers = as_choice(spec["answers"], f"{where} {name} answers", ANSWERS) if "answers" in spec else ""
        port_range = PortRange(as_identifier(name, where), ports, set_by, within, at_least, answers)
        port_range.checked(ports, f"{where} {name}")
        ranges[name] = port_range
    endpoints = {name: parse_endpoint(name, value, f"{where} {name}") for name, value in _items(data, "endpoints")}
    for endpoint in endpoints.values():
        for name in endpoint.fallback:
            as_choice(name, f"{where} {endpoint.name} fallback", endpoints)
    listed = [as_mapping(row, where, (*ROW_KEYS, "only_by_name")) for row in as_list(data.get("rows"), f"{where} rows")]
    rows = tuple({key: row[key] for key in row if key != "only_by_name"} for row in listed)
    matrix = PortMatrix(
        ranges,
        endpoints,
        rows,
        only_by_name=frozenset(str(row.get("id")) for row in listed if row.get("only_by_name")),
        left_out_when_empty=frozenset(as_strings(data.get("left_out_when_empty", ()), f"{where} left_out_when_empty")),
        alternatives=_alternatives(data, rows),
    )
    named = _with_parts({name: r.ports for name, r in ranges.items()})
    for row in (*parse_rows(rows, where, named), *(Row.parse(row, where, named) for row in matrix.variants())):
        for name in row.endpoints():
            if name not in endpoints:
                raise PortMatrixError.at(f"{where} row {row.id}", f"unknown endpoint {name}", names(endpoints))
    return matrix


def _alternatives(
    data: Mapping[str, object], rows: Sequence[Mapping[str, t.Any]]
) -> dict[str, dict[str, tuple[Mapping[str, t.Any], ...]]]:
    by_id = {str(row.get("id")): row for row in rows}
    found: dict[str, dict[str, tuple[Mapping[str, t.Any], ...]]] = {}
    for switch, replaced in as_mapping(data.get("alternatives", {}), f"{_DATA.name} alternatives").items():
        place = f"{_DATA.name} alternatives {switch}"
        found[switch] = {
            row_id: tuple({**by_id[row_id], **as_mapping(one, place, ROW_KEYS)} for one in as_list(others, place))
            for row_id, others in as_mapping(replaced, place, by_id).items()
        }
    return found


def _items(data: Mapping[str, object], key: str) -> Iterable[tuple[str, object]]:
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise PortMatrixError.at(_DATA.name, f"has no mapping {key}")
    return value.items()


@lru_cache(maxsize=1)
def load_port_matrix() -> PortMatrix:
    """Return the collection's own table.

    :raises PortMatrixError: if the data file is damaged.
    """
    with _DATA.open(encoding="utf-8") as file:
        # PyYAML's loader in C, where it was built with that, reads the file in a tenth of the time.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return parse_port_matrix(loader(file).get_single_data())


def resolve_ranges(overrides: Mapping[str, object], where: str) -> dict[str, IntervalSet]:
    """Return every named range, the user's *overrides* (name → ports) over the defaults.

    :raises PortMatrixError: for an unknown name, or ports that are none or that the vendors do not accept there.
    """
    ranges = load_port_matrix().ranges
    settled = {name: port_range.ports for name, port_range in ranges.items()}
    problems = ProblemList()
    for name, value in as_mapping(overrides, where, ranges).items():
        place = f"{where}.{name}"
        ports = problems.attempt(_override_range, ranges[name], value, place)
        settled[name] = ports or settled[name]
    problems.raise_if_any()
    return _with_parts(settled)


def _with_parts(ranges: Mapping[str, IntervalSet]) -> dict[str, IntervalSet]:
    """Add the parts of the range ``psom`` for the row's alternatives, where it has them. A site sets the whole."""
    psom = ranges.get("psom", IntervalSet())
    of_front_ends = psom.intersection(_PSOM_OF_FRONT_ENDS)
    parts = {"psom_front_end": of_front_ends, "psom_edge": psom.difference(of_front_ends)}
    return {**ranges, **{name: ports for name, ports in parts.items() if ports}}


def check_parts(rows: object, ranges: Mapping[str, IntervalSet]) -> None:
    """Refuse a range ``psom`` that cannot be divided where *rows*, not yet checked, name a part that it lacks.

    :raises PortMatrixError: with what the range lacks.
    """
    given = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, (list, tuple)) else []
    ports = [row.get("destination_ports") for row in given]
    for part, lack in (("psom_front_end", "8057, for Front Ends"), ("psom_edge", "other port than 8057, for Edges")):
        if part not in ranges and [part] in ports:
            raise PortMatrixError.at(
                "port_matrix_ports.psom",
                f"has no {lack}, and port_matrix_psom_split divides it between the two",
                "8057 and at least one other port, such as [443, 8057]; or port_matrix_psom_split: false",
            )


def _override_range(port_range: PortRange, value: object, where: str) -> IntervalSet:
    return port_range.checked(parse_ports(value, where), where)


def select_rows(
    extra_rows: object = (),
    disabled_rows: object = (),
    strict_clients: object = False,
    row_groups: object = ("integration",),
    psom_split: object = False,
) -> list[dict[str, t.Any]]:
    """Return the rows that apply, in the row schema: the table, less the disabled ones, plus the user's own.

    :param row_groups: ``port_matrix_row_groups``: the groups that apply, and single rows that apply only by name.
    :param strict_clients: the same as the group of this name in *row_groups*.
    :param psom_split: whether each service of PSOM gets its own ports only.
    :raises PortMatrixError: for a group or the id of a row that does not exist, or inputs of a wrong type.
    """
    rows = _table(as_flag(psom_split, "port_matrix_psom_split"))
    rows.extend({"group": "custom", **as_mapping(extra, EXTRA_ROWS)} for extra in as_list(extra_rows, EXTRA_ROWS))
    disabled = as_strings(disabled_rows, "port_matrix_disabled_rows")
    problems = ProblemList()
    problems.attempt(_check_disabled, disabled, [str(row.get("id")) for row in rows])
    chosen = problems.attempt(applying_groups, row_groups, strict_clients) or frozenset()
    problems.raise_if_any()
    return [row for row in rows if row.get("id") not in disabled and _applies(row, chosen)]


def _check_disabled(disabled: Sequence[str], known: Sequence[str]) -> None:
    problems = ProblemList()
    for row_id in disabled:
        if known.count(row_id) > 1:
            problems.add(
                f"{EXTRA_ROWS}: row id {row_id} occurs twice; accepted: an id of its own for each row, disabled or not"
            )
        elif row_id not in known:
            near = nearest_text(row_id, known)
            problems.add(f"port_matrix_disabled_rows: there is no row {shown(row_id)}{near}; accepted: {names(known)}")
    problems.raise_if_any()


def applying_groups(row_groups: object, strict_clients: object = False) -> frozenset[str]:
    """Return the row groups that apply, and the ids of rows that a site named.

    :raises PortMatrixError: for a name that is none, or inputs of a wrong type.
    """
    where = "port_matrix_row_groups"
    known = (*ROW_GROUPS, *load_port_matrix().only_by_name)
    chosen = as_strings(row_groups, where)
    for name in chosen:
        if name not in known:
            problem, accepted = unknown(name, known)
            raise PortMatrixError.at(where, f"row group {problem}", accepted)
    strict = as_flag(strict_clients, "port_matrix_strict_clients")
    return frozenset(chosen) | ({"strict_clients"} if strict else frozenset())


def _table(psom_split: bool) -> list[dict[str, t.Any]]:
    matrix = load_port_matrix()
    places = matrix.alternatives["psom_split"] if psom_split else {}
    return [dict(one) for row in matrix.rows for one in places.get(str(row["id"]), (row,))]


def _applies(row: Mapping[str, t.Any], chosen: Collection[str]) -> bool:
    """Tell whether a row applies. One whose group is none is left to the check of the rows, which says so."""
    by_name = row.get("id") in load_port_matrix().only_by_name
    if by_name:
        return row["id"] in chosen
    group = str(row.get("group"))
    return group in chosen or group not in ROW_GROUPS


def in_canonical_order(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Sort *rows*: those of the table as it has them, then the others by id."""
    ids = dict.fromkeys(str(row["id"]) for row in load_port_matrix().variants())
    position = {row_id: index for index, row_id in enumerate(ids)}
    return tuple(sorted(rows, key=lambda row: (position.get(row.id, len(position)), row.id)))
