# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the HTML report shows of hosts: lists of them, the sides of a flow, and the NAT table.

tables.html.j2 makes markup of it. Lists that nobody reads on paper are packed, and the script of the page unpacks them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .._values.words import display
from .host_lists import Entry, HostList, counted, endpoint_title
from .report import Party, Report, Translation

# More entries than these are not shown in a cell, which then leads to their list.
_IN_A_CELL = 6
# Longer lists are folded, and the longest are packed. These are not on paper.
_OPEN = 60
_PACKED = 400
# Nobody needs more of a name that does not fit into a line; it may be broken.
_LONGEST_WORD = 48


@dataclass(frozen=True)
class Word:
    """A name, which is not broken, unless it ``is_long`` and does not fit into a line."""

    text: str
    is_long: bool


def word(text: str) -> Word:
    """Return a name as it is shown."""
    shown = display(text)
    return Word(shown, len(shown) > _LONGEST_WORD)


@dataclass(frozen=True)
class Address:
    """An address or network, and its ``side`` and ``other`` address behind a NAT, which are empty elsewhere."""

    text: str
    side: str = ""
    other: str = ""


@dataclass(frozen=True)
class Line:
    """A host, or literal networks, in a list, which says which systems the addresses are from."""

    host: Word
    cidrs: tuple[Address, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownList:
    """A list of hosts. ``packed`` is its text where it has too many lines for a page."""

    id: str
    title: str
    counted: str
    lines: tuple[Line, ...]
    packed: str
    is_open: bool


@dataclass(frozen=True)
class ShownSide:
    """An endpoint on one side of a flow: its hosts where these fit into a cell, else a link to their list."""

    title: str
    list: str
    counted: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class NatTable:
    """The NAT table, or what is said in its place where it is too long for a page."""

    lines: tuple[Translation, ...]
    summary: str


def shown_list(one: HostList) -> ShownList:
    """Return what is shown of a list."""
    is_packed = len(one.entries) > _PACKED
    return ShownList(
        id=one.id,
        title=one.title + one.qualifier,
        counted=one.counted(),
        lines=()
        if is_packed
        else tuple(replace(_line(entry), sources=_displayed(entry.sources)) for entry in one.entries),
        packed=packed(one.entries) if is_packed else "",
        is_open=len(one.entries) <= _OPEN,
    )


def shown_sides(party: Party) -> tuple[ShownSide, ...]:
    """Return what is shown of a party: an entry for each list, as two endpoints may have the same hosts."""
    names: dict[HostList, list[str]] = {}
    for endpoint, one in party.by_endpoint.items():
        names.setdefault(one, []).append(endpoint)
    return tuple(
        ShownSide(
            title=" or ".join(map(endpoint_title, endpoints)) + one.qualifier,
            list=one.id,
            counted=counted(one.entries),
            lines=tuple(map(_line, one.entries)) if _fits(one.entries) else (),
        )
        for one, endpoints in names.items()
    )


def nat_table(report: Report) -> NatTable | None:
    """The NAT table of the report; None where nothing is translated."""
    every = tuple(
        Translation(display(one.host), one.own, one.advertised, _displayed(one.own_seen_by),
                    _displayed(one.advertised_seen_by))
        for one in report.translations
    )  # fmt: skip
    if len(every) <= _PACKED:
        return NatTable(every, "") if every else None
    return NatTable((), f"{len(every):,} addresses are translated. The lists of hosts have both addresses of each.")


def packed(entries: Iterable[Entry]) -> str:
    """Write *entries* in little room: hosts, then addresses, then those on the other side of a NAT, a line for each.

    A line begins with how many characters it shares with the one before, as a digit of 36.
    """
    every = list(entries)
    columns = (
        [display(entry.host) for entry in every],
        [" ".join(entry.cidrs) for entry in every],
        [" ".join(f"{side} {other}" for _cidr, side, other in entry.others) for entry in every],
    )
    return "\n\n".join("\n".join(_front_coded(column)) for column in columns)


def _front_coded(lines: Sequence[str]) -> Iterable[str]:
    for before, line in zip(["", *lines], lines, strict=False):
        pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, line, _DIGITS[1:], strict=False))
        shared = sum(1 for _pair in pairs)
        yield _DIGITS[shared] + line[shared:]


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _displayed(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(display, names))


def _fits(entries: Sequence[Entry]) -> bool:
    return sum(len(entry.cidrs) for entry in entries) <= _IN_A_CELL


def _line(entry: Entry) -> Line:
    others = {cidr: Address(cidr, side, other) for cidr, side, other in entry.others}
    return Line(word(entry.host), tuple(others.get(cidr, Address(cidr)) for cidr in entry.cidrs))
