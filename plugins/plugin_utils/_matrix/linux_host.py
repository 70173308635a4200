# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Linux host: what it lets through, by the matrix and beyond it."""

from __future__ import annotations

from collections.abc import Mapping

from .._rules.extra import parse_extra_rules
from .._rules.permissions import Permissions
from .._values.addresses import AddressSet
from .._values.errors import ProblemList, shown
from .._values.mapping import as_choice, as_flag, as_strings
from .._values.words import some
from .expand import expand, hooks_of
from .site import Site


def check_extra_rules(of_hosts: Mapping[str, Mapping[str, object]]) -> None:
    """Check the extra rules of all hosts: host → name of the variable → its value.

    :raises PortMatrixError: with each problem once, and the hosts that have it.
    """
    having: dict[str, list[str]] = {}
    for host, variables in of_hosts.items():
        problems = ProblemList()
        for name, value in variables.items():
            problems.attempt(parse_extra_rules, value, name)
        for problem in problems:
            having.setdefault(problem, []).append(shown(host))
    found = ProblemList()
    for problem, hosts in having.items():
        found.add(f"host{'s' if len(hosts) > 1 else ''} {some(hosts)}: {problem}")
    found.raise_if_any()


def permissions_of(
    site: Site,
    host: str,
    gateway: object = False,
    egress: object = False,
    management: object = (),
    extra_rules: object = (),
) -> Permissions:
    """Return the permissions of *host*. The parameters are the variables of the role that end in their names.

    :raises PortMatrixError: if the host is neither endpoint nor gateway, or an input is not what it should be.
    """
    hooks = hooks_of(site, host, as_flag(gateway, "gateway"), as_flag(egress, "linux_firewall_egress"))
    return Permissions(
        hooks=hooks,
        rules=expand(site, host, hooks),
        management=parse_extra_rules(management, "linux_firewall_management"),
        extra_rules=parse_extra_rules(extra_rules, "linux_firewall_extra_rules"),
    )


def judged_addresses(site: Site, endpoints: object) -> AddressSet | None:
    """Return the addresses whose transit is judged. Which of them a gateway sees makes no difference to that.

    Where its view is wrong, its rules do not fit what passes, and that is dropped. It never goes by unjudged.

    :raises PortMatrixError: for what is not an endpoint.
    """
    if endpoints == "all":
        return None
    where = "linux_firewall_judged_endpoints"
    chosen = tuple(as_choice(name, where, site.endpoints) for name in as_strings(endpoints, where))
    return site.all_addresses(chosen)
