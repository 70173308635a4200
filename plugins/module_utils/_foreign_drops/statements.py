# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements of nftables rules that have no verdict of their own, and which of them change nothing that is judged."""

from __future__ import annotations

import typing as t

# Statements that let the rule go on, and those that end it or let it go on.
_HARMLESS = {"counter", "log", "last", "dup", "ct helper", "ct timeout", "ct expectation", "secmark", "notrack"}
_MATCHES = {"match", "limit", "quota", "ct count", "set", "map", "meter", "tproxy", "flow"}
# What a rule may write without a say in what later rules see. Marks are never known.
_HARMLESS_FIELDS = {
    "meta": {"mark", "priority", "nftrace", "secmark"},
    "ct": {"mark", "event", "label", "labels", "secmark", "zone", "helper"},
    "payload": {"dscp", "ecn", "ttl", "hoplimit", "flowlabel", "checksum"},
}
_OPTIONS = ("tcp option", "exthdr")
_HARMLESS_TARGETS = {
    "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "ECN", "HL", "IDLETIMER", "LED", "LOG",
    "MARK", "NFLOG", "NOTRACK", "RATEEST", "SECMARK", "SET", "TCPMSS", "TEE", "TOS", "TRACE", "TTL", "ULOG",
}  # fmt: skip


def is_match(name: str, details: t.Any) -> bool:
    """Tell whether a statement can do no more than end the rule."""
    if name == "xt":
        return isinstance(details, dict) and details.get("type") == "match"
    if name == "mangle":
        return _is_harmless_write(details.get("key"))
    return name in _MATCHES or name in _HARMLESS


def always_goes_on(name: str, details: t.Any) -> bool:
    """Tell whether a rule goes on after a statement, whatever the packet is."""
    if name == "mangle":
        # Where the packet lacks the option, or an expression (a map, say) has no value for it, the rule ends.
        key, value = details.get("key"), details.get("value")
        return _is_harmless_write(key) and not set(key) & set(_OPTIONS) and isinstance(value, (int, str))
    return name in _HARMLESS and not (isinstance(details, dict) and "map" in details)


def _is_harmless_write(key: t.Any) -> bool:
    """Tell whether writing to *key* changes nothing that is judged."""
    if not isinstance(key, dict) or len(key) != 1:
        return False
    ((kind, about),) = key.items()
    if kind in _OPTIONS:
        return True
    return isinstance(about, dict) and about.get("key", about.get("field")) in _HARMLESS_FIELDS.get(kind, ())


def is_harmless_extension(kind: object, name: object) -> bool:
    """Tell whether a match or target of iptables always lets its rule go on."""
    return (kind == "match" and name == "comment") or (kind == "target" and name in _HARMLESS_TARGETS)
