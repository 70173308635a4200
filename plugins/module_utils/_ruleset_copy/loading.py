# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing a ruleset into the network namespace that the thread is in, byte for byte as it was read elsewhere."""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
import struct
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import (
    ACK,
    CREATE,
    ERROR,
    NETFILTER,
    Netlink,
    NetlinkError,
    attribute,
    error_of,
    number,
    pack,
    read_text,
    text,
    walk,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import (
    ELEMENTS,
    ELEMENTS_SET,
    ELEMENTS_TABLE,
    SET_FLAGS,
    SET_NAME,
    TABLE_FLAGS,
    Entry,
    Expression,
    Rule,
    Ruleset,
)

_SUBSYSTEM = 10 << 8
_BEGIN, _END = 0x10, 0x11
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE, _NEW_SET, _NEW_ELEMENTS = (_SUBSYSTEM | kind for kind in (0, 3, 6, 9, 12))
_NEW_OBJECT, _NEW_FLOWTABLE = (_SUBSYSTEM | kind for kind in (18, 22))
_APPEND = 0x800
# What the kernel takes of each. The rest (handles, uses, owners) is its own.
_OF_TABLE = (1, 6)
_OF_CHAIN = (1, 3, 4, 5, 7, 8, 12)
_OF_SET = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 17, 18)
_OF_OBJECT = (1, 2, 3, 4, 8)
_OF_FLOWTABLE = (1, 2, 3)
_DORMANT = 1
_ANONYMOUS = 1
# Where expressions have the name of the set that they look into.
_NAMES_SET = {"lookup": 1, "dynset": 1, "objref": 4}
_INTERVAL = 4
_CONCATENATED = 0x80
_SET_ID = 10
_ELEMENT_KEY, _ELEMENT_FLAGS, _ELEMENT_TIMEOUT, _ELEMENT_EXPIRATION = 1, 3, 4, 5
_DYNSET_TIMEOUT = 6
_ENDS = 1  # the flag of an element where an interval ends
_MOST_ELEMENTS_BYTES = 48_000
_ROOM = 1 << 26
_COMPAT, _COMPAT_PROTOCOL, _COMPAT_FLAGS, _COMPAT_INVERTED = 5, 1, 2, 2
_L4PROTO = 16

_NO_COPY = "the kernel does not take a copy of it"
_TOO_LONG = (
    "nobody here may raise the buffer for that beyond net.core.wmem_max of the host, as in a container with users of "
    "its own"
)

Refused = dict[int, str]
Message = tuple[int, int, bytes]


def load(ruleset: Ruleset, netlink: Netlink | None = None) -> Refused:
    """Write *ruleset* into the kernel, and return the rules that it does not take: their places in it, with reasons.

    :raises NetlinkError: if it does not take something else
    """
    writer = netlink or Netlink(NETFILTER)
    refused: Refused = {}
    try:
        writer.make_room(socket.SO_SNDBUF, _ROOM)
        writer.make_room(socket.SO_RCVBUF, _ROOM)
        while True:
            now = _load_all(writer, ruleset, refused)
            if not now:
                return refused
            refused.update(now)
    finally:
        if not netlink:
            writer.close()


def _load_all(netlink: Netlink, ruleset: Ruleset, without: Collection[int]) -> Refused:
    """Load all but some rules, in one transaction; return which other rules the kernel refuses, if any."""
    places = [place for place in range(len(ruleset.rules)) if place not in without]
    objects = list(_objects(_without_unused_sets(ruleset, [ruleset.rules[place] for place in places])))
    messages = [*objects, *(_rule(ruleset.rules[place]) for place in places)]
    failed = transact(netlink, messages)
    for place, code in failed.items():
        if place < len(objects):
            raise NetlinkError(code, f"{_NO_COPY}: {os.strerror(code)}")
    return {places[place - len(objects)]: os.strerror(code) for place, code in failed.items()}


def _without_unused_sets(ruleset: Ruleset, rules: Iterable[Rule]) -> Ruleset:
    """Leave out the sets without a name of their own that no rule has: the kernel takes none of these."""
    used = {
        (rule.table, read_text(content))
        for rule in rules
        for expression in rule.expressions
        for kind, content in expression.attributes().items()
        if kind == _NAMES_SET.get(expression.name)
    }
    sets = [
        one
        for one in ruleset.sets
        if not number(one.attributes.get(SET_FLAGS)) & _ANONYMOUS or (one.table, one.text(SET_NAME)) in used
    ]
    return dataclasses.replace(ruleset, sets=sets)


def transact(netlink: Netlink, messages: list[Message]) -> dict[int, int]:
    """Have the kernel take *messages*, all or none of them; return which it refused, with the error number.

    :raises NetlinkError: if it refuses all of them together
    """
    if not messages:
        return {}
    frame = struct.pack(">BBH", 0, 0, 10)
    *others, (kind, flags, payload) = messages
    try:
        first = netlink.send([(_BEGIN, 0, frame), *others, (kind, flags | ACK, payload), (_END, 0, frame)])
    except OSError as e:
        if e.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
            raise
        size = sum(len(payload) for _kind, _flags, payload in messages)
        raise NetlinkError(e.errno, f"a copy of it takes {size} bytes at once: {_TOO_LONG}") from e
    failed: dict[int, int] = {}
    last = len(messages) - 1
    for at, code in _answers(netlink, first + 1, last):
        if code and not 0 <= at <= last:
            raise NetlinkError(code, f"{_NO_COPY}: {os.strerror(code)}")
        if code:
            failed.setdefault(at, code)
    return failed


def _answers(netlink: Netlink, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield place and error number of what the kernel says of the messages from *first* on.

    It has said everything when the call that sent them returns, and of the last one it says something in any case.
    """
    complete = False
    while True:
        received = list(netlink.messages(wait=not complete))
        if complete and not received:
            return
        for sequence, kind, content, _flags in received:
            if kind == ERROR:
                at = sequence - first
                complete = complete or at in (-1, last)
                yield at, error_of(content)


def _objects(ruleset: Ruleset) -> Iterator[Message]:
    for table in ruleset.tables:
        flags = number(table.attributes.get(TABLE_FLAGS)) & _DORMANT
        yield _message(_NEW_TABLE, table, _OF_TABLE, attribute(TABLE_FLAGS, struct.pack(">I", flags)))
    for chain in ruleset.chains:
        yield _message(_NEW_CHAIN, chain, _OF_CHAIN)
    for place, one in enumerate(ruleset.sets, 1):
        yield _message(_NEW_SET, one, _OF_SET, attribute(_SET_ID, struct.pack(">I", place)))
    for one in ruleset.objects:
        yield _message(_NEW_OBJECT, one, _OF_OBJECT)
    for one in ruleset.flowtables:
        yield _message(_NEW_FLOWTABLE, one, _OF_FLOWTABLE)
    for one in ruleset.sets:
        elements = ruleset.elements.get((one.family, one.text(1), one.text(SET_NAME)), [])
        yield from _elements(one, elements)


def _message(kind: int, entry: Entry, wanted: Collection[int], more: bytes = b"") -> Message:
    taken = pack((name, content) for name, content in entry.attributes.items() if name in wanted)
    return kind, CREATE, struct.pack(">BBH", entry.family, 0, 0) + taken + more


def _elements(one: Entry, elements: list[bytes]) -> Iterator[Message]:
    flags = number(one.attributes.get(SET_FLAGS))
    if flags & _INTERVAL and not flags & _CONCATENATED:
        elements = sorted(elements, key=_by_place)
    place = pack(((ELEMENTS_TABLE, one.attributes[1]), (ELEMENTS_SET, one.attributes[SET_NAME])))
    head = struct.pack(">BBH", one.family, 0, 0) + place
    waiting: list[bytes] = []
    size = 0
    for element in elements:
        packed = attribute(1, _lasting(element))
        if size + len(packed) > _MOST_ELEMENTS_BYTES:
            yield _NEW_ELEMENTS, CREATE, head + attribute(ELEMENTS, b"".join(waiting))
            waiting, size = [], 0
        waiting.append(packed)
        size += len(packed)
    if waiting:
        yield _NEW_ELEMENTS, CREATE, head + attribute(ELEMENTS, b"".join(waiting))


def _by_place(element: bytes) -> tuple[bytes, bool]:
    """Put an interval's end before the begin of the next one."""
    attributes = dict(walk(element))
    return attributes.get(_ELEMENT_KEY, b""), not number(attributes.get(_ELEMENT_FLAGS)) & _ENDS


def _lasting(element: bytes) -> bytes:
    """Leave out the time that is left to an element, so that it is there for as long as this takes."""
    attributes = list(walk(element))
    return pack((kind, content) for kind, content in attributes if kind not in (_ELEMENT_EXPIRATION, 8))


def _rule(rule: Rule) -> Message:
    family, name = rule.family, rule.table.partition(" ")[2]
    content = [(1, text(name)), (2, text(rule.chain))]
    content += [(4, b"".join(_taken(expression).packed() for expression in rule.expressions))]
    if any(expression.name in ("match", "target") for expression in rule.expressions):
        content.append((_COMPAT, _compat(rule.expressions)))
    if rule.userdata:
        content.append((7, rule.userdata))
    return _NEW_RULE, CREATE | _APPEND, struct.pack(">BBH", family, 0, 0) + pack(content)


def _taken(expression: Expression) -> Expression:
    """Leave out a time of zero, which the kernel tells of every rule that adds to a set.

    It takes a time only for sets whose elements end.
    """
    if expression.name != "dynset":
        return expression
    attributes = walk(expression.data)
    kept = ((kind, content) for kind, content in attributes if kind != _DYNSET_TIMEOUT or number(content))
    return expression._replace(data=pack(kept))


def _compat(expressions: Collection[Expression]) -> bytes:
    """Return for which protocol a rule of iptables is, which the kernel asks for and does not list."""
    protocol = inverted = 0
    loaded = False
    for expression in expressions:
        attributes = expression.attributes() if expression.name in ("meta", "payload", "cmp") else {}
        if expression.name == "cmp" and loaded:
            protocol = number(dict(walk(attributes[3])).get(1))
            inverted = _COMPAT_INVERTED if number(attributes[2]) else 0
            break
        loaded = (expression.name == "meta" and number(attributes.get(2)) == _L4PROTO) or (
            expression.name == "payload" and (number(attributes.get(2)), number(attributes.get(3))) in ((1, 9), (1, 6))
        )
    numbers = (_COMPAT_PROTOCOL, protocol), (_COMPAT_FLAGS, inverted)
    return pack((kind, struct.pack(">I", value)) for kind, value in numbers)
