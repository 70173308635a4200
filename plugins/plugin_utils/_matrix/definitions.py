# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of a site: those of the table as ``port_matrix_endpoints`` overrides them, and those of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .._values.addresses import AddressSet, looks_like_a_name, parse_network
from .._values.errors import PortMatrixError, ProblemList, names, nearest, nearest_text, shown, unknown
from .._values.mapping import as_identifier, as_list, as_mapping, as_strings, as_text
from .endpoints import EndpointDefinition
from .port_matrix import load_port_matrix

_KEYS = ("groups", "interface", "networks", "exclude")


def define_endpoints(
    overrides: Mapping[str, object], needed: Mapping[str, str] | None
) -> dict[str, EndpointDefinition]:
    """Return endpoint name → definition, for the table's endpoints and those that rows of the site need.

    :param needed: endpoint name → the row that needs it, as messages name it; None where nobody knows.
    :raises PortMatrixError: with everything that is wrong with *overrides*, and endpoints that nobody defines.
    """
    known = load_port_matrix().endpoints
    definitions = dict(known)
    problems = ProblemList()
    for name, value in as_mapping(overrides, "port_matrix_endpoints").items():
        if needed is not None and name not in known and name not in needed:
            problems.add(
                f"port_matrix_endpoints: unknown endpoint {shown(name)}, which no row uses"
                f"{nearest_text(name, {*known, *needed})}; accepted: {names(known)}"
            )
            continue
        definition = problems.attempt(_override, name, value, known.get(name))
        definitions[name] = definition or definitions.get(name, EndpointDefinition(name))
    for name, row in (needed or {}).items():
        if name not in definitions:
            problems.add(
                f"{row}: unknown endpoint {shown(name)}{nearest_text(name, definitions)}; "
                f"accepted: {names(definitions)}, or one that port_matrix_endpoints defines"
            )
    for definition in definitions.values():
        problems.attempt(_check_exclusion, definition, definitions)
    problems.raise_if_any()
    return definitions


def _override(name: str, value: object, base: EndpointDefinition | None) -> EndpointDefinition:
    where = f"port_matrix_endpoints.{name}"
    spec = as_mapping(value, where, _KEYS)
    endpoint = base or EndpointDefinition(as_identifier(name, where))
    if "groups" in spec:
        endpoint = replace(endpoint, groups=as_strings(spec["groups"], f"{where}.groups"), fallback=())
    if "interface" in spec:
        interface = spec["interface"]
        endpoint = replace(endpoint, interface=None if interface is None else as_text(interface, f"{where}.interface"))
    place = f"{where}.exclude"
    excluded = as_list(spec.get("exclude", ()), place)
    names_of_endpoints = [item for item in excluded if isinstance(item, str) and looks_like_a_name(item)]
    return replace(
        endpoint,
        networks=_addresses(as_list(spec.get("networks", ()), f"{where}.networks"), f"{where}.networks"),
        excluded=_addresses([item for item in excluded if item not in names_of_endpoints], place),
        excluded_endpoints=tuple(sorted(set(names_of_endpoints))),
    )


def _addresses(items: Sequence[object], where: str) -> AddressSet:
    return AddressSet.union(parse_network(item, where) for item in items)


def _check_exclusion(endpoint: EndpointDefinition, definitions: Mapping[str, EndpointDefinition]) -> None:
    for name in endpoint.excluded_endpoints:
        where = f"port_matrix_endpoints.{endpoint.name}.exclude"
        if name == endpoint.name:
            raise PortMatrixError.at(where, f"{name} would exclude itself", "other endpoints, addresses and networks")
        if name not in definitions:
            problem, accepted = unknown(name, set(definitions) - {endpoint.name})
            raise PortMatrixError.at(where, problem, f"addresses, networks, or the endpoints {accepted}")


def allowed_empty(
    allow_empty: object, definitions: Mapping[str, EndpointDefinition], problems: ProblemList
) -> frozenset[str]:
    """Return the endpoints that may have no address.

    One that nobody defines goes to *problems*, and counts as the nearest, which is not to be said of that in addition.
    """
    where = "port_matrix_allow_empty"
    allowed = problems.attempt(as_strings, allow_empty, where) or ()
    for name in allowed:
        if name not in definitions:
            near = nearest_text(name, definitions)
            problems.add(f"{where}: unknown endpoint {shown(name)}{near}; accepted: {names(definitions)}")
    return frozenset(name if name in definitions else nearest(name, definitions) for name in allowed)
