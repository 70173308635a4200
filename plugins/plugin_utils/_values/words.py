# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How values are worded for people: texts, numbers, lists, ports and addresses."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from .addresses import FAMILIES, AddressSet
from .intervals import IntervalSet
from .ports import format_ports


def display(text: str) -> str:
    """Return *text* with everything that does not print, such as a line break or a change of direction, written out."""
    return text if text.isprintable() else ascii(text)[1:-1]


def count(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def day_text(day: datetime.date | None) -> str:
    """Write a day, or nothing where there is none."""
    return "" if day is None else day.isoformat()


def some(items: Sequence[str], most: int = 4) -> str:
    """List the first of *items*, and say how many more there are."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def ports_text(ports: IntervalSet) -> str:
    """Write ports for people."""
    return ", ".join(format_ports(ports)) or "any"


def people_cidrs(addresses: AddressSet) -> list[str]:
    """Write addresses for people: a single address without its prefix length."""
    return [
        cidr.removesuffix("/32" if family == "ipv4" else "/128")
        for family in FAMILIES
        for cidr in addresses.cidrs(family)
    ]
