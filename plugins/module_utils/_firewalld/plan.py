# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares wanted firewalld objects with those of a host, in memory, and says what has to be done.

An object is a mapping of settings. Sets of objects are ``{"ipsets": {name: settings}, "policies": {name: settings}}``.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

Settings = t.Dict[str, t.Any]  # noqa: UP006  # evaluated at import, also by the Python of old hosts
Objects = t.Dict[str, t.Dict[str, Settings]]  # noqa: UP006

KINDS = ("ipsets", "policies")
# firewalld compares a new entry with each that the set has: 5 to 10 ms for one among 2,000.
MOST_ENTRIES_IN_PLACE = 1000
# The member of an object that a running firewalld changes without a reload.
CONTENT = {"ipsets": "entries", "policies": "rich_rules"}
# What else the runtime has of an object. Texts are left out: a running firewalld cannot change them.
_STRUCTURE = {
    "ipsets": ("type", "family", "options"),
    "policies": ("target", "priority", "ingress_zones", "egress_zones"),
}


@dataclass
class ContentChange:
    """Members of one runtime object to add and to remove."""

    add: list[str]
    remove: list[str]


@dataclass
class Plan:
    """What brings a host to the wanted objects.

    ``write`` and ``delete`` are names of permanent objects by kind, ``content`` the runtime changes by kind and name.
    ``reload`` says why firewalld has to reload, a line per reason; then the runtime changes come with that.
    """

    write: dict[str, list[str]] = field(default_factory=dict)
    delete: dict[str, list[str]] = field(default_factory=dict)
    content: dict[str, dict[str, ContentChange]] = field(default_factory=dict)
    reload: list[str] = field(default_factory=list)

    @property
    def permanent(self) -> bool:
        """Whether permanent objects change."""
        return any(self.write.values()) or any(self.delete.values())

    @property
    def runtime(self) -> bool:
        """Whether the runtime changes."""
        return any(self.content.values()) or bool(self.reload)

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return self.permanent or self.runtime


def make_plan(wanted: Objects, permanent: Objects, runtime: Objects) -> Plan:
    """Compare, object by object. The order of entries and rules does not matter."""
    plan = Plan()
    for kind in KINDS:
        want, stored, live = wanted[kind], permanent[kind], runtime[kind]
        plan.write[kind] = [name for name in want if comparable(want[name]) != comparable(stored.get(name, {}))]
        plan.delete[kind] = sorted(stored.keys() - want.keys())
        plan.content[kind] = {}
        for name in sorted(want.keys() | live.keys()):
            if name not in want:
                plan.reload.append(f"{name} is to go from the runtime")
            elif name not in live:
                plan.reload.append(f"{name} is new")
            elif any(want[name].get(key) != live[name].get(key) for key in _STRUCTURE[kind]):
                plan.reload.append(f"{name} changes more than its {CONTENT[kind]}")
            else:
                change = _content_change(want[name], live[name], CONTENT[kind])
                if change.add or change.remove or want[name].get("foreign") != live[name].get("foreign"):
                    plan.content[kind][name] = change
    entries = sum(len(change.add) + len(change.remove) for change in plan.content["ipsets"].values())
    if entries > MOST_ENTRIES_IN_PLACE:
        plan.reload.append(f"{entries} entries change, and more than {MOST_ENTRIES_IN_PLACE} take too long one by one")
    return plan


def comparable(settings: Settings) -> Settings:
    """Return *settings* with their lists sorted: firewalld keeps an order that means nothing here."""
    return {key: sorted(value) if isinstance(value, list) else value for key, value in settings.items()}


def _content_change(want: Settings, live: Settings, member: str) -> ContentChange:
    wanted, found = set(want[member]), set(live[member])
    return ContentChange(add=sorted(wanted - found), remove=sorted(found - wanted))


def entry_steps(change: ContentChange) -> list[tuple[str, str]]:
    """Return the steps ``("add" | "remove", entry)`` for one ipset, in an order that firewalld takes.

    What is new comes first, so that nothing is missing in between. firewalld refuses an entry that overlaps another:
    where a network grows or shrinks, what it replaces has to go right before it.
    """
    removed = {entry: _network(entry) for entry in change.remove}
    steps: list[tuple[str, str]] = []
    late: list[tuple[str, str]] = []
    for entry in change.add:
        network = _network(entry)
        in_its_way = [other for other, place in removed.items() if place.overlaps(network)]
        for other in in_its_way:
            del removed[other]
        if in_its_way:
            late += [("remove", other) for other in in_its_way]
            late.append(("add", entry))
        elif late and _was_replaced(network, late):
            late.append(("add", entry))
        else:
            steps.append(("add", entry))
    return [*steps, *late, *(("remove", entry) for entry in removed)]


def _was_replaced(network: ipaddress.IPv4Network | ipaddress.IPv6Network, steps: list[tuple[str, str]]) -> bool:
    return any(_network(entry).overlaps(network) for step, entry in steps if step == "remove")


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(entry.split(",", 1)[0])


def difference(wanted: Objects, permanent: Objects, runtime: Objects) -> dict[str, t.Any]:
    """Return the diff as data: for the permanent and the runtime configuration what is added and what is removed."""
    found: dict[str, t.Any] = {}
    for name, have in (("permanent", permanent), ("runtime", runtime)):
        lines, old = _lines(wanted, texts=name == "permanent"), _lines(have, texts=name == "permanent")
        added, removed = sorted(lines - old), sorted(old - lines)
        if added or removed:
            found[name] = {"added": added, "removed": removed}
    return found


def _lines(objects: Objects, texts: bool) -> set[str]:
    """Write objects as lines, one per setting, entry or rule."""
    lines: set[str] = set()
    for kind in KINDS:
        for name, settings in objects[kind].items():
            for key, value in settings.items():
                if texts or key not in ("short", "description"):
                    values = value if isinstance(value, list) else [value]
                    lines |= {f"{name} {key}: {one}" for one in values}
    return lines
