# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one Linux host remembers, and its rules do not permit."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from .._matrix.linux_host import judged_addresses, permissions_of
from .._matrix.site_document import read_site
from .._values.mapping import as_number
from .permitted import parse_time, read_flows, unpermitted


def unpermitted_of_host(
    site: object,
    host: str,
    flows: object,
    gateway: object = False,
    egress: object = False,
    judged_endpoints: object = ("conferencing_node",),
    management: object = (),
    extra_rules: object = (),
    rules_since: object = "",
    days: object = 7,
) -> dict[str, list[str]]:
    """Return which of *flows* the rules of *host* do not permit.

    :returns: a line for each, by the kinds of :class:`~.permitted.Unpermitted`.
    :param flows: as the module ``observed_flows`` returns them, and ``rules_since`` too.
    :raises PortMatrixError: if the host is neither endpoint nor gateway, or an input is not what it should be.
    """
    built = read_site(site)
    permissions = permissions_of(built, host, gateway, egress, management, extra_rules)
    judged = judged_addresses(built, judged_endpoints) if "forward" in permissions.hooks else None
    since = datetime.now(timezone.utc) - timedelta(days=as_number(days, "linux_firewall_observed_days", 1, 365))
    seen = [flow for flow in read_flows(flows, "flows") if flow.last_seen >= since]
    found = unpermitted(permissions, judged, seen, parse_time(rules_since, "rules_since") if rules_since else None)
    return {kind: [flow.line() for flow in part] for kind, part in found._asdict().items()}
