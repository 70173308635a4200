# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expressions of nftables, made and read."""

from __future__ import annotations

import struct

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import (
    attribute,
    number,
    pack,
    read_text,
    walk,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Expression

# Verdicts.
DROP, ACCEPT = 0, 1
_EQUAL = 0
_DIFFERENT = 1
_REGISTER = 1


def _numbers(*values: tuple[int, int]) -> list[tuple[int, bytes]]:
    return [(kind, struct.pack(">I", value)) for kind, value in values]


def verdict(code: int) -> Expression:
    """Return the expression that ends a rule with a verdict."""
    data = attribute(2, attribute(1, struct.pack(">i", code)))
    return Expression("immediate", pack(_numbers((1, 0))) + attribute(2, data))


def load_meta(key: int) -> Expression:
    """Return the expression that reads what the kernel knows about a packet."""
    return Expression("meta", pack(_numbers((1, _REGISTER), (2, key))))


def load_payload(base: int, offset: int, length: int) -> Expression:
    """Return the expression that reads from a packet."""
    return Expression("payload", pack(_numbers((1, _REGISTER), (2, base), (3, offset), (4, length))))


def compare(data: bytes, different: bool = False) -> Expression:
    """Return the expression that ends a rule unless what was read is *data*, or is different from it."""
    return Expression(
        "cmp", pack([*_numbers((1, _REGISTER), (2, _DIFFERENT if different else _EQUAL)), (3, attribute(1, data))])
    )


def mask(data: bytes) -> Expression:
    """Return the expression that keeps some bits of what was read."""
    parts = _numbers((1, _REGISTER), (2, _REGISTER), (3, len(data)))
    return Expression("bitwise", pack([*parts, (4, attribute(1, data)), (5, attribute(1, bytes(len(data))))]))


def set_meta(key: int, data: bytes) -> tuple[Expression, Expression]:
    """Return the expressions that set what the kernel knows about a packet."""
    value = Expression("immediate", pack([*_numbers((1, _REGISTER)), (2, attribute(1, data))]))
    return value, Expression("meta", pack(_numbers((2, key), (3, _REGISTER))))


def verdict_of(expression: Expression) -> int | None:
    """Return the code of the verdict that an expression ends its rule with; None where it does not."""
    if expression.name == "immediate":
        attributes = expression.attributes()
        if number(attributes.get(1)) == 0:
            code = dict(walk(dict(walk(attributes[2]))[2]))[1]
            return int(struct.unpack(">i", code)[0])
    elif expression.name == "reject":
        return DROP
    elif expression.name == "target":
        return {"REJECT": DROP, "DROP": DROP, "ACCEPT": ACCEPT}.get(extension(expression))
    return None


def extension(expression: Expression) -> str:
    """Return the name of the extension of iptables that an expression is."""
    return read_text(expression.attributes().get(1, b""))
