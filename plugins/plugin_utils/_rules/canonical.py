# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canonical rule: the one form that every back end, report and probe gets."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from .._values.addresses import Family, format_cidrs
from .._values.intervals import IntervalSet
from .._values.ports import format_ports
from .._values.words import day_text
from .protocols import has_ports

Hook = t.Literal["input", "output", "forward"]
HOOKS: tuple[Hook, ...] = ("input", "output", "forward")


@dataclass(frozen=True)
class Rule:
    """Permission for one row, direction, protocol and family. Addresses and ports are interval sets of integers.

    A protocol without ports has any port on either side.
    ``hook`` is None where the rule is a fact of the site and not yet of one host.
    """

    row: str
    purpose: str
    group: str
    tls: bool
    reference: str
    protocol: str
    family: Family
    source_endpoint: tuple[str, ...]
    source: IntervalSet
    source_ports: IntervalSet
    destination_endpoint: tuple[str, ...]
    destination: IntervalSet
    destination_ports: IntervalSet
    hook: Hook | None = None
    owner: str = ""
    ticket: str = ""
    expires: datetime.date | None = None

    @property
    def has_ports(self) -> bool:
        """Whether its protocol has ports."""
        return has_ports(self.protocol)

    def as_mapping(self) -> dict[str, t.Any]:
        """Write the rule as plain data: addresses as CIDR strings, ports as ``"a-b"`` or ``"a"``, no port is any."""
        data: dict[str, t.Any] = {
            "row": self.row,
            "purpose": self.purpose,
            "group": self.group,
            "tls": self.tls,
            "reference": self.reference,
            "owner": self.owner,
            "ticket": self.ticket,
            "expires": day_text(self.expires),
            "protocol": self.protocol,
            "family": self.family,
            "source_endpoint": list(self.source_endpoint),
            "source": format_cidrs(self.source, self.family),
            "source_ports": format_ports(self.source_ports),
            "destination_endpoint": list(self.destination_endpoint),
            "destination": format_cidrs(self.destination, self.family),
            "destination_ports": format_ports(self.destination_ports),
        }
        return data if self.hook is None else {**data, "hook": self.hook}
