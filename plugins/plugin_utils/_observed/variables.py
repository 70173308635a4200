# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of a site: what it is made of, so that it can be made again with some of them changed."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .._matrix.definitions import define_endpoints
from .._matrix.endpoints import EndpointDefinition
from .._matrix.port_matrix import applying_groups, load_port_matrix, select_rows
from .._matrix.rows_off import RowsOff, rows_off
from .._matrix.site import Site, build_site
from .._values.mapping import as_list, as_mapping, as_strings

ExtraRow = Mapping[str, t.Any]


@dataclass(frozen=True)
class Variables:
    """The variables of the role ``port_matrix``, named as they are without that prefix, and the inventory.

    ``rows`` is ``port_matrix_rows`` where a site replaces the table as a whole, and then ``row_groups``,
    ``strict_clients``, ``disabled_rows``, ``extra_rows`` and ``psom_split`` have no effect. Else it is None.
    """

    hosts: Mapping[str, Mapping[str, object]]
    groups: Mapping[str, Sequence[str]]
    ports: Mapping[str, object] = field(default_factory=dict)
    endpoints: Mapping[str, object] = field(default_factory=dict)
    allow_empty: object = ()
    same_location_rows: object = ()
    row_groups: object = ("integration",)
    strict_clients: object = False
    disabled_rows: object = ()
    extra_rows: object = ()
    psom_split: object = False
    rows: Sequence[object] | None = None

    def selected(self) -> list[dict[str, t.Any]]:
        """The rows that the table and the switches give.

        :raises PortMatrixError: for a variable that is not what it should be.
        """
        return select_rows(self.extra_rows, self.disabled_rows, self.strict_clients, self.row_groups, self.psom_split)

    def applying(self) -> Sequence[object]:
        """The rows that apply."""
        return self.selected() if self.rows is None else self.rows

    def site(self) -> Site:
        """The site.

        :raises PortMatrixError: with every problem of it.
        """
        return self._own

    def with_empty_endpoints(self) -> Site:
        """The site with the rows, too, that are left out of it because nobody is one of their endpoints."""
        return self._widest

    def rows_off(self) -> RowsOff:
        """The rows of the table that the site lacks."""
        return self._rows_off

    # Each of these validates all hosts, and is asked for many times.

    @cached_property
    def _own(self) -> Site:
        return self._site(self.allow_empty)

    @cached_property
    def _widest(self) -> Site:
        return self._site(sorted({*load_port_matrix().endpoints, *as_mapping(self.endpoints, "port_matrix_endpoints")}))

    @cached_property
    def _rows_off(self) -> RowsOff:
        return rows_off(self._own, self.hosts, self.groups, self.ports, self.endpoints)

    def _site(self, allow_empty: object) -> Site:
        return build_site(
            self.hosts,
            self.groups,
            self.applying(),
            self.ports,
            self.endpoints,
            allow_empty,
            self.same_location_rows,
        )

    def chosen_groups(self) -> list[str]:
        """``port_matrix_row_groups`` as it would be written, with what ``port_matrix_strict_clients`` means."""
        written = list(as_strings(self.row_groups, "port_matrix_row_groups"))
        return [*written, *sorted(applying_groups(written, self.strict_clients) - set(written))]

    def with_groups(self, groups: Sequence[str]) -> Variables:
        """The same with further row groups, or rows that apply by name."""
        chosen = self.chosen_groups()
        return replace(self, row_groups=[*chosen, *(group for group in groups if group not in chosen)])

    def networks_of(self, endpoint: str) -> list[object]:
        """``networks`` of *endpoint* in ``port_matrix_endpoints``."""
        own = as_mapping(self._override(endpoint), f"port_matrix_endpoints.{endpoint}")
        return list(as_list(own.get("networks", ()), f"port_matrix_endpoints.{endpoint}.networks"))

    def with_networks(self, endpoint: str, networks: Sequence[str]) -> Variables:
        """The same with further *networks* of *endpoint*. What it has already stays."""
        own = as_mapping(self._override(endpoint), f"port_matrix_endpoints.{endpoint}")
        widened = {**own, "networks": [*self.networks_of(endpoint), *networks]}
        return replace(self, endpoints={**as_mapping(self.endpoints, "port_matrix_endpoints"), endpoint: widened})

    def with_row(self, row: ExtraRow, endpoints: Mapping[str, Sequence[str]]) -> Variables:
        """The same with a further row, and *endpoints* of its own, name → networks."""
        own = {name: {"networks": list(networks)} for name, networks in endpoints.items()}
        widened = replace(self, endpoints={**as_mapping(self.endpoints, "port_matrix_endpoints"), **own})
        if self.rows is not None:
            return replace(widened, rows=[*self.rows, row])
        return replace(widened, extra_rows=[*as_list(self.extra_rows, "port_matrix_extra_rows"), row])

    def definitions(self) -> Mapping[str, EndpointDefinition]:
        """The endpoints of the table and those of the site's own rows.

        :raises PortMatrixError: for one that is not what it should be.
        """
        overrides = as_mapping(self.endpoints, "port_matrix_endpoints")
        return define_endpoints(overrides, None)

    def _override(self, endpoint: str) -> object:
        return as_mapping(self.endpoints, "port_matrix_endpoints").get(endpoint, {})
