# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders rules as chains and sets in a table that the host already has, jumped to from its own chains.

They only permit: an accept there is final for that table's chain, and what no rule permits is up to the table. So its
own chains have to let replies, loopback and ICMP errors through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .._rules.canonical import HOOKS, Hook
from .._values.errors import PortMatrixError, shown
from .._values.mapping import as_mapping
from .sets import SetTable
from .table import TABLE, Policy, permissions, uses_of

PREFIX = f"{TABLE}_"
SERVICE = "nftables.service"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", re.ASCII)
_UNIT = re.compile(r"[A-Za-z0-9_.@-]{1,240}\.service", re.ASCII)


@dataclass(frozen=True)
class Join:
    """Where the rules go: chains by hook, in the table ``inet`` *table*, again whenever *service* has loaded that."""

    table: str
    chains: Mapping[Hook, str]
    service: str


def parse_join(value: object, where: str) -> Join | None:
    """Check what a user wrote; an empty mapping is no join.

    :raises PortMatrixError: if it is anything else; the message begins with *where*.
    """
    data = as_mapping(value, where, ("table", "chains", "service"))
    if not data:
        return None
    if "table" not in data:
        raise PortMatrixError.at(where, "has no table", "the name of a table of the family inet that the host has")
    given = as_mapping(data.get("chains", {}), f"{where} chains", HOOKS)
    chains: dict[Hook, str] = {
        hook: _matching(given.get(hook, hook), _NAME, f"{where} chains {hook}") for hook in HOOKS
    }
    service = _matching(data.get("service", SERVICE), _UNIT, f"{where} service")
    return Join(_matching(data["table"], _NAME, f"{where} table"), chains, service)


def render_joined(policy: Policy, join: Join) -> str:
    """Return the ruleset of one host, for a table that has nothing of ours.

    :raises PortMatrixError: if nothing is to be dropped, or that is to be remembered: it is up to the table.
    """
    decides = "and with linux_firewall_join the table decides what is dropped"
    if not policy.enforce:
        accepted = "true, or linux_firewall_observe_only instead of linux_firewall_join"
        raise PortMatrixError.at("linux_firewall_enforce", f"false, {decides}", accepted)
    if policy.memory:
        raise PortMatrixError.at("linux_firewall_remember", f"true, {decides}", "false, or no linux_firewall_join")
    sets = SetTable(PREFIX, uses_of(policy))
    chains, jumps = [], []
    for hook in policy.hooks:
        rules = "".join(f"\t\t{rule}\n" for rule in permissions(sets, policy, hook))
        chains.append(f"\tchain {PREFIX}{hook} {{\n{rules}\t}}")
        # At the head of the chain, so that nothing of the table drops what the matrix permits.
        jumps.append(f"insert rule inet {join.table} {join.chains[hook]} jump {PREFIX}{hook}\n")
    body = "\n\n".join((*sets.declarations(), *chains))
    return f"table inet {join.table} {{\n{body}\n}}\n{''.join(jumps)}"


def _matching(value: object, pattern: re.Pattern[str], where: str) -> str:
    name = value if isinstance(value, str) else ""
    if not pattern.fullmatch(name) or name.startswith(TABLE):
        names = "a name as nftables has them, which does not begin with pexip_sfb"
        accepted = "the name of a unit such as nftables.service" if pattern is _UNIT else names
        raise PortMatrixError.at(where, f"{shown(value)} is none", accepted)
    return name
