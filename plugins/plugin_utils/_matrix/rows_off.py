# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the table that do not apply to a site, as a site of their own: what would be permitted with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .port_matrix import load_port_matrix
from .rows import Row
from .site import Site, build_site


def site_of_rows_off(
    site: Site,
    hosts: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Sequence[str]],
    ports: Mapping[str, object] | None = None,
    endpoints: Mapping[str, object] | None = None,
) -> Site:
    """Build the site that has the rows which *site* lacks. The parameters are those of :func:`.site.build_site`.

    :raises PortMatrixError: if a host that none of the rows of *site* names is not what it should be.
    """
    matrix = load_port_matrix()
    there = {row.id for row in site.rows}
    rows = [row for row in matrix.rows if row["id"] not in there]
    return build_site(hosts, groups, rows, ports, endpoints, allow_empty=sorted(matrix.endpoints))


def why_off(site: Site, row: Row) -> str:
    """Say why *row*, which is one of the table, does not apply to *site*."""
    if row.id in load_port_matrix().only_by_name:
        return "it applies only where port_matrix_row_groups names it"
    if all(other.group != row.group for other in site.rows):
        return f"its row group {row.group} is off (port_matrix_row_groups)"
    return "it is off (port_matrix_disabled_rows)"
