# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that nobody is. The data file says whether they are absent, leave their rows out, or are an error."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .._values.errors import ProblemList, names, shown
from .endpoints import EndpointDefinition, Member, no_address_message
from .port_matrix import load_port_matrix
from .rows import Row


def without_empty_endpoints(
    rows: Sequence[Row],
    members: Mapping[str, Sequence[Member]],
    definitions: Mapping[str, EndpointDefinition],
    allowed: Collection[str],
    groups: Collection[str],
    problems: ProblemList,
) -> tuple[tuple[Row, ...], list[str]]:
    """Return the *rows* that somebody can use, without the endpoints that are absent, and notes on those left out.

    An endpoint that has to have somebody, and is not among *allowed*, goes to *problems*. *groups* are the groups that
    there are, among which its own may be under another name.
    """
    left_out_when_empty = load_port_matrix().left_out_when_empty
    kept: list[Row] = []
    missing: dict[str, list[str]] = {}
    left_out: dict[str, list[str]] = {}
    for row in rows:
        absent = {name for name in row.endpoints() if not members[name] and definitions[name].may_be_empty}
        needed = {name for name in row.endpoints() if not members[name] and name not in absent and name not in allowed}
        source, destination = (
            tuple(name for name in side if name not in absent) for side in (row.source, row.destination)
        )
        if not (source and destination):  # nobody else is on that side
            needed |= absent - set(allowed)
            source, destination = row.source, row.destination
        found = left_out if row.group in left_out_when_empty else missing
        for name in needed:
            found.setdefault(name, []).append(row.id)
        if not needed:
            kept.append(replace(row, source=source, destination=destination))
    others = set(groups).difference(*(definition.groups for definition in definitions.values()))
    for name, users in sorted(missing.items()):
        problems.add(no_address_message(definitions[name], names(users), others))
    return tuple(kept), [_left_out(definitions[name], users) for name, users in left_out.items()]


def _left_out(endpoint: EndpointDefinition, users: Sequence[str]) -> str:
    groups = names(shown(group) for group in endpoint.groups) or "none"
    what = f"row {users[0]} is" if len(users) == 1 else f"rows {', '.join(users)} are"
    return f"endpoint {endpoint.name} has no addresses (its groups: {groups}), so {what} left out"
