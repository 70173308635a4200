# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the table that do not apply to a site, as sites of their own: what would be permitted with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._values.errors import PortMatrixError
from .port_matrix import ROW_GROUPS, load_port_matrix, resolve_ranges
from .rows import Row, parse_rows
from .site import Site, build_site


@dataclass(frozen=True)
class RowsOff:
    """A site for each row group that has rows off; and what is wrong with the hosts of a group → its rows."""

    sites: tuple[Site, ...] = ()
    problems: Mapping[str, Sequence[Row]] = field(default_factory=dict)


def rows_off(
    site: Site,
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    ports: Mapping[str, object] | None = None,
    endpoints: Mapping[str, object] | None = None,
) -> RowsOff:
    """Return the rows which *site* lacks. The parameters are those of :func:`.site.build_site`."""
    matrix = load_port_matrix()
    there = {row.id for row in site.rows}
    sites: list[Site] = []
    problems: dict[str, Sequence[Row]] = {}
    ranges = resolve_ranges(ports or {}, "port_matrix_ports")
    for group in ROW_GROUPS:
        rows = [row for row in matrix.rows if row["group"] == group and row["id"] not in there]
        try:
            # A host of rows that are off may lack what only they need.
            sites += [build_site(hosts, groups, rows, ports, endpoints, sorted(matrix.endpoints))] if rows else []
        except PortMatrixError as e:
            problem = f"row group {group}: {str(e).splitlines()[0]}"
            problems[problem] = parse_rows(rows, "port_matrix_rows", ranges)
    return RowsOff(tuple(sites), problems)


def why_off(site: Site, row: Row) -> str:
    """Say why *row*, which is one of the table, does not apply to *site*."""
    if row.id in load_port_matrix().only_by_name:
        return "it applies only if port_matrix_row_groups names it"
    if all(other.group != row.group for other in site.rows):
        return f"its row group {row.group} is off (port_matrix_row_groups)"
    return "it is off (port_matrix_disabled_rows)"
