# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the collection's variables and groups, so that one with a typing error is not just without effect."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping

from .._values.errors import ProblemList, nearest, shown
from .._values.words import display, some

PREFIXES = ("port_matrix_", "linux_firewall_", "windows_firewall_")

# A test compares them with the argument specifications of the roles.
_OF_ROLES = """
    linux_firewall_accept_observed
    linux_firewall_backend linux_firewall_confirm_checks linux_firewall_confirm_timeout linux_firewall_egress
    linux_firewall_end_flows linux_firewall_enforce linux_firewall_extra_rules linux_firewall_fail_on_foreign_drop
    linux_firewall_join linux_firewall_judged_endpoints linux_firewall_management linux_firewall_observe_only
    linux_firewall_observed_days linux_firewall_older_flows linux_firewall_remember linux_firewall_remember_days
    linux_firewall_remember_entries linux_firewall_state
    port_matrix_addresses port_matrix_allow_empty port_matrix_disabled_rows port_matrix_endpoints
    port_matrix_expired port_matrix_extra_rows port_matrix_interfaces port_matrix_location port_matrix_ports
    port_matrix_psom_split
    port_matrix_reuse_site port_matrix_row_groups port_matrix_rows port_matrix_same_location_rows
    port_matrix_strict_clients port_matrix_view
    port_matrix_observed_baseline port_matrix_observed_directory port_matrix_observed_mode
    port_matrix_observed_prometheus port_matrix_observed_scan port_matrix_observed_since
    port_matrix_report_baseline port_matrix_report_change port_matrix_report_directory port_matrix_report_formats
    port_matrix_report_mode port_matrix_report_observed port_matrix_report_platform_options
    port_matrix_report_platforms port_matrix_report_scope port_matrix_report_title port_matrix_report_verification
    port_matrix_verify_accept port_matrix_verify_batch port_matrix_verify_directory port_matrix_verify_fail
    port_matrix_verify_limit port_matrix_verify_mode port_matrix_verify_responder_seconds port_matrix_verify_responders
    port_matrix_verify_timeout port_matrix_verify_tls
    windows_firewall_fail_on_preflight windows_firewall_state
"""
# What playbooks ask for, and what roles tell a play.
_OF_PLAYBOOKS = """
    port_matrix_linux_hosts port_matrix_windows_hosts port_matrix_verify_hosts
    linux_firewall_result port_matrix_site port_matrix_report_result windows_firewall_result
"""
VARIABLES_OF_ROLES = frozenset(_OF_ROLES.split())
VARIABLES = VARIABLES_OF_ROLES | frozenset(_OF_PLAYBOOKS.split())
_ALMOST = 0.9  # of 1: a letter more, less or other in a name as long as theirs
GROUPS = frozenset({"port_matrix_gateways", "port_matrix_linux", "port_matrix_windows", "port_matrix_verify"})


def check_names(variables: Mapping[str, Iterable[str]], elsewhere: Iterable[str], groups: Iterable[str]) -> None:
    """Check the names of *variables* (host → names), of those that a play has *elsewhere*, and of *groups*.

    A group that begins as ours do may be a part of one. It is taken for a typing error where the nearest is not there.

    :raises PortMatrixError: with each name that is not known, and the nearest.
    """
    problems = ProblemList()
    found: dict[str, list[str]] = {}
    for host, names in variables.items():
        for name in names:
            if name.startswith(PREFIXES) and name not in VARIABLES:
                found.setdefault(name, []).append(host)
    for name in elsewhere:
        if name.startswith(PREFIXES) and name not in VARIABLES:
            found.setdefault(name, [])
    for name, hosts in sorted(found.items()):
        where = f" (of {some([shown(host) for host in hosts])})" if hosts else ""
        problems.add(f"{display(name)}{where}: is not a variable of this collection{_meant(name, VARIABLES)}")
    known = set(groups)
    for name in sorted(known - GROUPS):
        best = nearest(name, GROUPS) if name.startswith(PREFIXES[0]) else ""
        if best and best not in known:
            problems.add(f"group {shown(name)}: is not known, and there is no group {best}; accepted: {best}")
    problems.raise_if_any()


def near_groups(used: Iterable[str], groups: Collection[str]) -> Iterator[str]:
    """Yield a warning for each group that no endpoint uses, and that has almost the name of one that is not there.

    :param used: the groups that the endpoints of the site take their hosts from.
    :param groups: the groups that there are.
    """
    wanted = set(used)
    for group in sorted(wanted.difference(groups)):
        others = sorted(set(groups) - wanted - GROUPS)
        for near in difflib.get_close_matches(group, others, n=1, cutoff=_ALMOST):
            yield (
                f"group {shown(near)}: no endpoint takes hosts of it, and there is no group {display(group)}, which is "
                "almost the same name"
            )


def _meant(name: str, known: Iterable[str]) -> str:
    best = nearest(name, known)
    return f"; accepted: {best}, which is the nearest name" if best else "; accepted: one that it has"
