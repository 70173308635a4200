# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Constants, ranges, sets and maps of nftables, and whether a value is in them: True, False, or None for unknown."""

from __future__ import annotations

import bisect
import ipaddress
import typing as t
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._foreign_drops.values import (
    INTERFACES,
    NAMES,
    NO_INTERFACE,
    SOME_INTERFACE,
    UNKNOWN,
    WIDTHS,
    Expression,
    NoValue,
    Value,
)

# A closed interval of numbers, an interface name (with ``*`` at its end, of many), or what cannot be read.
# Types that are evaluated at import, also by the Python of old hosts.
Span = t.Union[t.Tuple[int, int], str, NoValue]  # noqa: UP006
Answer = t.Optional[bool]

# What an element can carry without a say in whether it matches.
_HARMLESS = {"val", "timeout", "expires", "comment", "counter", "last"}
_ALL = "*"


def read_constant(kind: str, data: Expression) -> Value:
    """Read a number, address or name of *kind*; a list or ``|`` of flags is the flags together."""
    if isinstance(data, dict) and set(data) == {"|"}:
        data = data["|"]
    if isinstance(data, list):
        total = 0
        for part in data:
            value = read_constant(kind, part)
            if not isinstance(value, int):
                return UNKNOWN
            total |= value
        return total
    if isinstance(data, (int, str)):
        return _read_scalar(kind, data)
    return UNKNOWN


def _read_scalar(kind: str, data: int | str) -> Value:
    if kind in INTERFACES:
        return data if isinstance(data, str) else UNKNOWN
    if kind == "presence":
        return int(data) if isinstance(data, bool) else UNKNOWN
    if isinstance(data, int):
        return int(data)
    if data in NAMES.get(kind, {}):
        return NAMES[kind][data]
    try:
        return int(ipaddress.ip_address(data)) if kind in ("ipv4", "ipv6") else int(data, 0)
    except ValueError:
        return UNKNOWN


def read_span(kind: str, data: Expression) -> Span:
    """Read a constant, prefix or range of *kind*."""
    if isinstance(data, dict) and "prefix" in data and kind in WIDTHS:
        first = read_constant(kind, data["prefix"].get("addr"))
        size = 1 << (WIDTHS[kind] - int(data["prefix"].get("len", 0)))
        return (first, first + size - 1) if isinstance(first, int) else UNKNOWN
    if isinstance(data, dict) and "range" in data and kind not in INTERFACES:
        first, last = (read_constant(kind, end) for end in data["range"])
        return (first, last) if isinstance(first, int) and isinstance(last, int) else UNKNOWN
    value = read_constant(kind, data)
    return (value, value) if isinstance(value, int) else value


def within(value: Value, span: Span) -> Answer:
    """Tell whether *value* is in *span*."""
    if isinstance(value, int) and isinstance(span, tuple):
        return span[0] <= value <= span[1]
    if value is NO_INTERFACE:
        return False
    if isinstance(span, NoValue):
        return None
    if value is SOME_INTERFACE:
        return False if span == "lo" else None
    if isinstance(value, NoValue):
        return None
    return isinstance(value, str) and isinstance(span, str) and _same_interface(value, span)


def _same_interface(name: str, pattern: str) -> bool:
    if pattern.endswith("\\*"):  # a star that is meant
        return name == pattern[:-2] + "*"
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


@dataclass(frozen=True)
class Element:
    """An element: a span for each part of the key, what a map has for it, and whether more decides (a limit, say)."""

    spans: tuple[Span, ...]
    data: Expression = None
    conditional: bool = False

    def holds(self, values: t.Sequence[Value]) -> Answer:
        """Tell whether the element matches *values*."""
        answers = [within(value, span) for value, span in zip(values, self.spans)]  # Python 3.9
        if False in answers:
            return False
        return None if None in answers or self.conditional else True


@dataclass
class Lookup:
    """What a set has for a value: the element that matches, or those that may, and whether none may match."""

    found: Element | None = None
    possible: list[Element] = field(default_factory=list)

    @property
    def answer(self) -> Answer:
        """Whether the value is in the set."""
        if self.found is not None:
            return True
        return None if self.possible else False


class ElementSet:
    """The elements of one set or map for keys of *kinds*, indexed: sets of others can be long."""

    def __init__(self, kinds: t.Sequence[str], elements: t.Iterable[Expression], is_map: bool = False) -> None:
        self._kinds = tuple(kinds)
        self._rest: Element | None = None
        self._all: list[Element] = []
        for one in elements:
            key, value = one if is_map else (one, None)
            self._add(key, value)
        self._exact: dict[tuple[Value, ...], Element] = {}
        self._other: list[Element] = []
        for element in self._all:
            key = _exact_key(element)
            if key is None:
                self._other.append(element)
            else:
                self._exact[key] = element
        self._sorted = len(self._kinds) == 1 and all(isinstance(element.spans[0], tuple) for element in self._other)
        if self._sorted:
            self._other.sort(key=_first)
            self._firsts = [_first(element) for element in self._other]

    def _add(self, key: Expression, value: Expression) -> None:
        conditional = False
        if isinstance(key, dict) and "elem" in key:
            conditional = not set(key["elem"]) <= _HARMLESS
            key = key["elem"].get("val")
        if key == _ALL and self._kinds != ("interface",):
            self._rest = Element((), value, conditional)
            return
        parts = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
        spans = tuple(read_span(kind, part) for kind, part in zip(self._kinds, parts))  # Python 3.9
        if len(parts) != len(self._kinds):
            spans = (UNKNOWN,) * len(self._kinds)
        self._all.append(Element(spans, value, conditional))

    def look_up(self, values: t.Sequence[Value]) -> Lookup:
        """Return what the set has for *values*, one for each part of the key."""
        lookup = Lookup()
        for element in self._candidates(tuple(values)):
            answer = element.holds(values)
            if answer:
                lookup.found = element
                return lookup
            if answer is None:
                lookup.possible.append(element)
        if self._rest is not None:
            if lookup.possible or self._rest.conditional:
                lookup.possible.append(self._rest)
            else:
                lookup.found = self._rest
        return lookup

    def _candidates(self, values: tuple[Value, ...]) -> t.Sequence[Element]:
        if any(isinstance(value, NoValue) for value in values):
            return self._all
        exact = self._exact.get(values)
        if exact is not None:
            return [exact]
        if not self._sorted:
            return self._other
        index = bisect.bisect_right(self._firsts, t.cast("int", values[0])) - 1
        return self._other[index : index + 1] if index >= 0 else []


class AnonymousSets:
    """The sets that rules hold themselves. Each is read once for all packets."""

    def __init__(self) -> None:
        self._sets: dict[tuple[int, tuple[str, ...]], ElementSet] = {}

    def get(self, elements: list[Expression], kinds: tuple[str, ...], is_map: bool) -> ElementSet:
        """Return the set of *elements*, which live as long as the ruleset does."""
        key = (id(elements), kinds)
        if key not in self._sets:
            self._sets[key] = ElementSet(kinds, elements, is_map)
        return self._sets[key]


def _exact_key(element: Element) -> tuple[Value, ...] | None:
    key: list[Value] = []
    for span in element.spans:
        if isinstance(span, tuple) and span[0] == span[1]:
            key.append(span[0])
        elif isinstance(span, str) and not span.endswith("*"):
            key.append(span)
        else:
            return None
    return tuple(key)


def _first(element: Element) -> int:
    return t.cast("tuple[int, int]", element.spans[0])[0]
