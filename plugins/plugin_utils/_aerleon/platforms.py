# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewalls that there is configuration for, what each wants to be told, and what it cannot be told.

What is here was tried with aerleon 1.18, protocol by protocol and family by family. It is not what the firewalls can
do, but what is in the text that aerleon writes for them. Some of its generators permit more than a term says where
they lack a word for it: a protocol becomes all protocols for ``fortigate``, and a term of the other family has no
addresses any more for ``openconfig``. So a rule that is not known to be written as it is, is not given to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._rules.canonical import Rule
from .._rules.protocols import NUMBERS
from .._values.addresses import FAMILIES, Family
from .._values.errors import PortMatrixError, ProblemList, shown, unknown
from .._values.mapping import as_mapping, as_strings
from .azure import PROTOCOLS as AZURE_PROTOCOLS

_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}", re.ASCII)
_NAMED = frozenset(NUMBERS)
_NAME: Mapping[str, str] = {"name": "pexip-sfb"}


@dataclass(frozen=True)
class Platform:
    """One firewall.

    ``options`` are what a site may set, with the defaults. ``headers`` are what aerleon is told: a header for each
    list of rules, with the family that it takes, or None where it takes both. ``protocols`` None are all, by name or
    number. Without a ``target``, which is what aerleon calls it, aerleon does not write it.
    """

    name: str
    target: str
    ending: str
    headers: tuple[tuple[Family | None, str], ...]
    options: Mapping[str, str] = field(default_factory=dict)
    protocols: frozenset[str] | None = None
    families: tuple[Family, ...] = FAMILIES
    is_stateful: bool = True

    def expresses(self, rule: Rule) -> bool:
        """Whether the configuration can have *rule*, as it is."""
        return rule.family in self.families and (self.protocols is None or rule.protocol in self.protocols)


def _lists(name: str, ipv4: str, protocols: frozenset[str] | None = None, ending: str = "txt") -> Platform:
    """A platform that has a list for each family, each with its name, and no state."""
    headers: tuple[tuple[Family | None, str], ...] = (("ipv4", f"{{name}} {ipv4}"), ("ipv6", "{name}-6 inet6"))
    return Platform(name, name, ending, headers, _NAME, protocols, is_stateful=False)


_ZONES = "from-zone {from_zone} to-zone {to_zone}"
PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform
    for platform in (
        _lists("arista", "extended"),
        _lists("cisco", "extended"),
        Platform("azure_nsg", "", "json", (), _NAME, frozenset(AZURE_PROTOCOLS)),
        Platform("ciscoasa", "ciscoasa", "txt", (("ipv4", "{name}"),), _NAME, families=("ipv4",)),
        _lists("cisconx", "extended"),
        _lists("ciscoxr", "extended"),
        Platform(
            "fortigate", "fortigate", "txt", ((None, _ZONES),), {"from_zone": "any", "to_zone": "any"},
            frozenset({"tcp", "udp"}),
        ),
        _lists("juniper", "inet", _NAMED),
        Platform(
            "junipersrx", "srx", "txt", ((None, f"{_ZONES} mixed"),), {"from_zone": "all", "to_zone": "all"}, _NAMED
        ),
        Platform("nftables", "nftables", "nft", (("ipv4", "inet forward"), ("ipv6", "inet6 forward"))),
        _lists("openconfig", "inet", _NAMED, "json"),
        Platform(
            "paloalto", "paloalto", "xml", ((None, f"{_ZONES} mixed"),), {"from_zone": "any", "to_zone": "any"},
            _NAMED - {"vrrp"},
        ),
        Platform("proxmox", "proxmox", "fw", ((None, "cluster FORWARD"),)),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """A platform, and what a site says of it."""

    platform: Platform
    options: Mapping[str, str]

    def headers(self) -> tuple[tuple[Family | None, str], ...]:
        """What aerleon is told: the families and the text of each header."""
        return tuple((family, text.format(**self.options)) for family, text in self.platform.headers)


def read_platforms(names: object, options: object) -> tuple[Chosen, ...]:
    """Read ``port_matrix_report_platforms`` and ``port_matrix_report_platform_options``.

    :raises PortMatrixError: with everything that is wrong with them.
    """
    where, problems = "port_matrix_report_platforms", ProblemList()
    wanted = tuple(dict.fromkeys(as_strings(names, where)))
    given = as_mapping(options or {}, f"{where[:-1]}_options")
    for place, listed in ((where, wanted), (f"{where[:-1]}_options", given)):
        for name in listed:
            if name not in PLATFORMS:
                problem, accepted = unknown(name, PLATFORMS)
                problems.add(f"{place}: platform {problem}; accepted: {accepted}")
    problems.raise_if_any()
    of_each = {name: problems.attempt(_options, PLATFORMS[name], given.get(name, {})) or {} for name in PLATFORMS}
    problems.raise_if_any()
    return tuple(Chosen(PLATFORMS[name], of_each[name]) for name in wanted)


def _options(platform: Platform, given: object) -> Mapping[str, str]:
    where = f"port_matrix_report_platform_options.{platform.name}"
    settled = dict(platform.options)
    for key, value in as_mapping(given, where).items():
        if key not in settled:
            problem, accepted = unknown(key, settled)
            raise PortMatrixError.at(where, f"key {problem}", accepted or "none, as this platform has no options")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise PortMatrixError.at(
                f"{where}.{key}",
                f"{shown(value)} is not a name",
                "up to 31 letters, digits, hyphens, underscores and dots",
            )
        settled[key] = value
    return settled
