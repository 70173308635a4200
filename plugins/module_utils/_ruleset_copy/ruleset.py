# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole ruleset of nftables in a network namespace, as the kernel has it, without nft and its text.

The messages and their attributes are those of the kernel's header nf_tables.h. What is not known here is carried along
byte for byte. Tables of bridges and of ARP are left out, as no packet that is routed passes them.
"""

from __future__ import annotations

import dataclasses
import errno
import struct
import typing as t
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import (
    NETFILTER,
    ChangedError,
    Netlink,
    NetlinkError,
    attribute,
    number,
    pack,
    read_text,
    text,
    walk,
)

INET, IP, NETDEV, IP6 = 1, 2, 5, 10
HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress")
FAMILIES = {INET: "inet", IP: "ip", NETDEV: "netdev", IP6: "ip6"}
_SUBSYSTEM = 10 << 8
_GET_TABLE, _GET_CHAIN, _GET_RULE, _GET_SET, _GET_ELEMENTS = (_SUBSYSTEM | number for number in (1, 4, 7, 10, 13))
_GET_GENERATION, _GET_OBJECT, _GET_FLOWTABLE = (_SUBSYSTEM | number for number in (16, 19, 23))
_TIMES = 20  # somebody who changes the ruleset that often while it is read does nothing else

TABLE_FLAGS = 2
CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY, CHAIN_TYPE = 3, 4, 5, 7
HOOK_NUMBER, HOOK_PRIORITY, HOOK_DEVICE, HOOK_DEVICES = 1, 2, 3, 4
RULE_TABLE, RULE_CHAIN, RULE_HANDLE, RULE_EXPRESSIONS, RULE_USERDATA = 1, 2, 3, 4, 7
SET_TABLE, SET_NAME, SET_FLAGS = 1, 2, 3
ELEMENTS_TABLE, ELEMENTS_SET, ELEMENTS = 1, 2, 3
FLOWTABLE_HOOK, FLOWTABLE_HOOK_DEVICES = 3, 3


@dataclass(frozen=True)
class Entry:
    """A table, chain, set, object or flowtable: its family and its attributes."""

    family: int
    attributes: t.Mapping[int, bytes]

    def text(self, kind: int) -> str:
        """Return the attribute *kind* as a text; empty where it is not there."""
        return read_text(self.attributes.get(kind, b""))

    @property
    def table(self) -> str:
        """Family and name of its table, which is attribute 1 everywhere."""
        return f"{FAMILIES[self.family]} {self.text(1)}"


class Expression(t.NamedTuple):
    """One expression of a rule: its name, and its attributes as the kernel has them."""

    name: str
    data: bytes

    def attributes(self) -> dict[int, bytes]:
        """Return its attributes by type."""
        return dict(walk(self.data))

    def packed(self) -> bytes:
        """Return it as an element of a list."""
        return attribute(1, attribute(1, self.name.encode() + b"\0") + attribute(2, self.data))


@dataclass(frozen=True)
class Rule:
    """One rule, in a chain of a table (``inet filter``)."""

    family: int
    table: str
    chain: str
    handle: int
    expressions: tuple[Expression, ...]
    userdata: bytes = b""

    def same_as(self) -> tuple[t.Any, ...]:
        """Return what is equal for rules that do the same in the same chain, but for what they have counted."""
        expressions = tuple(one if one.name != "counter" else one._replace(data=b"") for one in self.expressions)
        return self.table, self.chain, expressions, self.userdata


class Base(t.NamedTuple):
    """What a base chain is called with: its hook by number, its priority, type and policy (0 is drop)."""

    hook: int
    priority: int
    type: str
    policy: int


def base_of(chain: Entry) -> Base | None:
    """Return what makes *chain* a base chain; None where it is none."""
    if CHAIN_HOOK not in chain.attributes:
        return None
    hook = dict(walk(chain.attributes[CHAIN_HOOK]))
    (priority,) = struct.unpack(">i", hook[HOOK_PRIORITY])
    return Base(number(hook[HOOK_NUMBER]), priority, chain.text(CHAIN_TYPE), number(chain.attributes.get(CHAIN_POLICY)))


@dataclass
class Ruleset:
    """Everything in it. ``elements`` are by family, table and set, each as the content of a list's element."""

    tables: list[Entry] = field(default_factory=list)
    chains: list[Entry] = field(default_factory=list)
    sets: list[Entry] = field(default_factory=list)
    objects: list[Entry] = field(default_factory=list)
    flowtables: list[Entry] = field(default_factory=list)
    elements: dict[tuple[int, str, str], list[bytes]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)

    def with_rules(self, rules: list[Rule]) -> Ruleset:
        """Return the same with other rules."""
        return dataclasses.replace(self, rules=rules)

    def of_tables(self, wanted: Callable[[str], bool]) -> Ruleset:
        """Return the part in those tables, by family and name, that are *wanted*."""
        parts = ([one for one in part if wanted(one.table)] for part in self._parts())
        elements = {key: content for key, content in self.elements.items() if wanted(f"{FAMILIES[key[0]]} {key[1]}")}
        return _of_parts(parts, elements, [rule for rule in self.rules if wanted(rule.table)])

    def together_with(self, other: Ruleset) -> Ruleset:
        """Return both, which have no table in common."""
        parts = ([*mine, *its] for mine, its in zip(self._parts(), other._parts()))
        return _of_parts(parts, {**self.elements, **other.elements}, [*self.rules, *other.rules])

    def hook_of(self, table: str, chain: str) -> str:
        """Return the hook of a base chain; empty for any other."""
        found = [one for one in self.chains if one.table == table and one.text(CHAIN_NAME) == chain]
        base = base_of(found[0]) if found else None
        return HOOKS[base.hook] if base and base.hook < len(HOOKS) else ""

    def _parts(self) -> tuple[list[Entry], ...]:
        return self.tables, self.chains, self.sets, self.objects, self.flowtables

    def devices(self) -> set[str]:
        """Return the network devices that its chains and flowtables name."""
        hooks = [chain.attributes[CHAIN_HOOK] for chain in self.chains if CHAIN_HOOK in chain.attributes]
        found = {device for hook in hooks for device in _devices(hook, HOOK_DEVICE, HOOK_DEVICES)}
        for flowtable in self.flowtables:
            found.update(_devices(flowtable.attributes[FLOWTABLE_HOOK], 0, FLOWTABLE_HOOK_DEVICES))
        return found


def _of_parts(
    parts: Iterable[list[Entry]], elements: dict[tuple[int, str, str], list[bytes]], rules: list[Rule]
) -> Ruleset:
    tables, chains, sets, objects, flowtables = parts
    return Ruleset(tables, chains, sets, objects, flowtables, elements, rules)


def _devices(hook: bytes, single: int, several: int) -> Iterator[str]:
    for kind, content in walk(hook):
        if kind == single:
            yield read_text(content)
        elif kind == several:
            yield from (read_text(name) for _kind, name in walk(content))


def read_ruleset(netlink: Netlink | None = None) -> Ruleset:
    """Read the ruleset of the network namespace that the thread is in.

    :param netlink: a socket of another one, whose ruleset is read then
    :raises NetlinkError: if the kernel does not tell it, or if it is changed all the time
    """
    reader = netlink or Netlink(NETFILTER)
    try:
        for _attempt in range(_TIMES):
            ruleset = _read_unchanged(reader)
            if ruleset:
                return ruleset
        raise NetlinkError(errno.EAGAIN, "the ruleset was changed again and again while it was read")
    finally:
        if not netlink:
            reader.close()


def _read_unchanged(netlink: Netlink) -> Ruleset | None:
    """Read the ruleset; None where somebody changed it meanwhile."""
    try:
        generation = netlink.get(_GET_GENERATION, _header(0))
        ruleset = _read(netlink)
        return ruleset if netlink.get(_GET_GENERATION, _header(0))[:12] == generation[:12] else None
    except ChangedError:
        return None


def _read(netlink: Netlink) -> Ruleset:
    kinds = (_GET_TABLE, _GET_CHAIN, _GET_SET, _GET_OBJECT, _GET_FLOWTABLE)
    ruleset = _of_parts((list(_entries(netlink, kind)) for kind in kinds), {}, [])
    for one in ruleset.sets:
        place = pack(((1, one.attributes[SET_TABLE]), (2, one.attributes[SET_NAME])))
        found = [
            element
            for message in netlink.dump(_GET_ELEMENTS, _header(one.family) + place)
            for kind, elements in walk(message[4:])
            if kind == ELEMENTS
            for _kind, element in walk(elements)
        ]
        ruleset.elements[one.family, one.text(SET_TABLE), one.text(SET_NAME)] = found
    ruleset.rules = [_rule(entry) for entry in _entries(netlink, _GET_RULE)]
    return ruleset


def rules_of(netlink: Netlink, family: int, table: str, chain: str) -> list[Rule]:
    """Read the rules of one chain."""
    place = pack(((RULE_TABLE, text(table)), (RULE_CHAIN, text(chain))))
    return [_rule(entry) for entry in _entries(netlink, _GET_RULE, _header(family) + place)]


def _entries(netlink: Netlink, kind: int, question: bytes = b"") -> Iterator[Entry]:
    for message in netlink.dump(kind, question or _header(0)):
        if message[0] in FAMILIES:
            yield Entry(message[0], dict(walk(message[4:])))


def _rule(entry: Entry) -> Rule:
    expressions = []
    for _kind, content in walk(entry.attributes.get(RULE_EXPRESSIONS, b"")):
        parts = dict(walk(content))
        expressions.append(Expression(read_text(parts[1]), parts.get(2, b"")))
    attributes = entry.attributes
    return Rule(
        entry.family,
        entry.table,
        entry.text(RULE_CHAIN),
        number(attributes[RULE_HANDLE]),
        tuple(expressions),
        attributes.get(RULE_USERDATA, b""),
    )


def _header(family: int) -> bytes:
    return struct.pack(">BBH", family, 0, 0)
