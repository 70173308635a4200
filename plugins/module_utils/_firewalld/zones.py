# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zones of the host that let through more than the rules permit, so that nobody believes what is not so."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.plan import Objects

NETWORK_INTERFACES = Path("/sys/class/net")


def open_zones(client: t.Any, wanted: Objects) -> Iterator[str]:
    """Yield a warning for each zone in use that accepts what the wanted policies do not permit."""
    hooks = {
        tuple(zones)
        for policy in wanted["policies"].values()
        for zones in [(*policy["ingress_zones"], *policy["egress_zones"])]
    }
    for zone, interfaces in sorted(_zones_in_use(client).items()):
        settings = client.config().getZoneByName(zone).getSettings()
        where = f"zone {zone} ({', '.join(interfaces) or 'its sources'})"
        if settings.getTarget() == "ACCEPT" and hooks:
            yield (
                f"The port matrix is not enforced by the {where}: its target is ACCEPT, so it lets everything through "
                "that comes in there. Give its interfaces to a zone with another target."
            )
        elif ("ANY", "ANY") in hooks and len(interfaces) > 1 and settings.getForward():
            yield (
                f"The port matrix is not enforced within the {where}: it forwards everything between its interfaces. "
                f"Give each network a zone, or: firewall-cmd --permanent --zone={zone} --remove-forward"
            )


def _zones_in_use(client: t.Any) -> dict[str, list[str]]:
    """Return zone → its interfaces, for the zones with interfaces or sources; the default zone has the rest."""
    active = client.getActiveZones()
    zones = {
        str(zone): sorted(str(name) for name in uses.get("interfaces", []))
        for zone, uses in active.items()
        if uses.get("interfaces") or uses.get("sources")
    }
    assigned = {name for interfaces in zones.values() for name in interfaces}
    rest = sorted({path.name for path in NETWORK_INTERFACES.iterdir()} - assigned - {"lo", "bonding_masters"})
    if rest:
        default = str(client.getDefaultZone())
        zones[default] = sorted([*zones.get(default, []), *rest])
    return zones
