# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports: what users write, and the sorted, merged form that every back end gets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import PortMatrixError, names, nearest_text, shown
from .intervals import IntervalSet
from .mapping import as_list
from .vaulted import Vaulted

ACCEPTED = "a port 1-65535, a range first-last, or any"
ANY_PORT = IntervalSet(((0, 65535),))

# Between the two an en dash is a hyphen: programs for writing make one of it.
_LITERAL = re.compile(r"(\d{1,9})(?: ?[-\u2013] ?(\d{1,9}))?", re.ASCII)


def parse_ports(value: object, where: str, ranges: Mapping[str, IntervalSet] | None = None) -> IntervalSet:
    """Turn *value* (one item or a list of them) into a set of ports.

    An item is an integer, ``"5061"``, ``"40000-49999"``, ``any``, or a name in *ranges*. Text may be a list, as in
    ``"443, 8057"`` and ``"[443, 8057]"``.

    :raises PortMatrixError: for anything else, an empty list included; the message begins with *where*.
    """
    items = as_list(value, where) if isinstance(value, (str, list, tuple)) else [value]
    if not items:
        raise PortMatrixError.at(where, "is an empty list", ACCEPTED)
    return IntervalSet.union([_parse_item(item, where, ranges or {}) for item in items])


def _parse_item(item: object, where: str, ranges: Mapping[str, IntervalSet]) -> IntervalSet:
    accepted = ACCEPTED + (f", or a range name ({names(ranges)})" if ranges else "")
    if isinstance(item, bool) or not isinstance(item, (int, str)):
        raise PortMatrixError.at(where, f"{shown(item)} is not a port", accepted)
    text = str(item).strip()
    if text in ranges:
        return ranges[text]
    if text == "any":
        return ANY_PORT
    match = _LITERAL.fullmatch(text)
    if not match:
        problem = f"{shown(item)} is not a port"
        if text.replace("_", "a").isalnum() and not text[:1].isdigit():
            problem = f"the range name {shown(item)} is not defined{nearest_text(item, ranges)}"
        raise PortMatrixError.at(where, problem, accepted)
    first, last = int(match[1]), int(match[2] or match[1])
    for port in (first, last):
        if not 1 <= port <= 65535:
            named = "port" if isinstance(item, Vaulted) else f"port {port}"
            raise PortMatrixError.at(where, f"{shown(item)}: {named} is out of range", accepted)
    if first > last:
        raise PortMatrixError.at(where, f"{shown(item)} ends before it begins", accepted)
    return IntervalSet(((first, last),))


def format_ports(ports: IntervalSet) -> list[str]:
    """Write *ports* as sorted, merged ``"a-b"`` or ``"a"``; any port is the empty list."""
    if ports == ANY_PORT:
        return []
    return [str(first) if first == last else f"{first}-{last}" for first, last in ports.intervals]
