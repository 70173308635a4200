# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the core needs of an inventory, taken out of it as plain data. Knows mappings, not Ansible."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from .._values.errors import ProblemList, names
from .._values.mapping import mapping_of_text
from .._values.vaulted import Vaulted
from .hosts import HOST_VARIABLES
from .port_matrix import load_port_matrix
from .variables import PREFIXES

# One value holds for the whole site, because endpoints span hosts: two hosts that disagree would be two firewalls
# that each believe in another table.
EXTRA_RULES = ("linux_firewall_extra_rules", "linux_firewall_management")
SITE_VARIABLES = (
    "port_matrix_allow_empty",
    "port_matrix_disabled_rows",
    "port_matrix_endpoints",
    "port_matrix_expired",
    "port_matrix_extra_rows",
    "port_matrix_ports",
    "port_matrix_psom_split",
    "port_matrix_row_groups",
    "port_matrix_rows",
    "port_matrix_same_location_rows",
    "port_matrix_strict_clients",
)


def to_plain(value: object) -> t.Any:
    """Copy *value* into builtin types: templating may hand over lazy containers and strings of a subclass.

    A day becomes text, since not every ansible-core carries one through a template.

    Text out of a vault becomes :class:`Vaulted`, so that no message shows it, and that becomes a builtin string.
    """
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if _is_vaulted(value):
        return Vaulted(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [to_plain(item) for item in value]
    return value


def _is_vaulted(value: object) -> bool:
    """Tell whether Ansible has *value* from a vault: by its class before ansible-core 2.19, by a tag since."""
    tags: Iterable[type] = getattr(value, "_ansible_tags_mapping", ())
    return bool(getattr(value, "__ENCRYPTED__", False)) or any(tag.__name__ == "VaultedValue" for tag in tags)


class ReadOnce(Mapping[str, Mapping[str, object]]):
    """The variables of all hosts, where those of a host are worked out when they are asked for, here only once.

    It is made for one validation and gone with it, so it cannot hold what does not hold any more.
    """

    def __init__(self, hostvars: Mapping[str, Mapping[str, object]]) -> None:
        self._hostvars = hostvars
        self._read: dict[str, Mapping[str, object]] = {}

    def __getitem__(self, host: str) -> Mapping[str, object]:
        if host not in self._read:
            self._read[host] = self._hostvars[host]
        return self._read[host]

    def __contains__(self, host: object) -> bool:
        return host in self._hostvars

    def __iter__(self) -> Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)


def collect_hosts(
    hostvars: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, Iterable[str]],
    endpoints: object,
    play_hosts: Iterable[str],
) -> dict[str, dict[str, t.Any]]:
    """Return host name → those of its variables that the core reads.

    Only hosts of groups that some endpoint takes its members from, and *play_hosts*, are looked at: reading the
    variables of a host is what costs time in a large inventory.
    """
    wanted_groups = {name for d in load_port_matrix().endpoints.values() for name in d.groups}
    overrides = mapping_of_text(endpoints)
    for override in overrides.values() if isinstance(overrides, Mapping) else ():
        if isinstance(override, Mapping):
            own_groups = override.get("groups", ())
            named = own_groups if isinstance(own_groups, (list, tuple)) else (own_groups,)
            # What is no name is left to the check of the endpoints, which says where it stands.
            wanted_groups.update(name for name in named if isinstance(name, str))
    wanted = {host for group in wanted_groups if group in groups for host in groups[group]}
    return {host: _variables(host, hostvars) for host in sorted(wanted.union(play_hosts)) if host in hostvars}


def _variables(host: str, hostvars: Mapping[str, Mapping[str, object]]) -> dict[str, t.Any]:
    variables = hostvars[host]
    found = {name: to_plain(variables[name]) for name in HOST_VARIABLES if name in variables}
    return {**found, "inventory_hostname": host}


def check_uniform(hostvars: Mapping[str, Mapping[str, object]], play_hosts: Iterable[str]) -> None:
    """Check that the inventory sets each site variable alike for all *play_hosts*, or for none.

    :raises PortMatrixError: with each variable that differs, and two hosts that disagree.
    """
    hosts = list(play_hosts)
    problems = ProblemList()
    for name in SITE_VARIABLES:
        disagreeing = _first_that_disagree(name, hostvars, hosts)
        if disagreeing:
            shown_hosts = names(repr(host) for host in disagreeing)
            problems.add(
                f"{name}: differs between the hosts {shown_hosts}; accepted: one value for all, in group_vars/all"
            )
    problems.raise_if_any()


def _first_that_disagree(
    name: str, hostvars: Mapping[str, Mapping[str, object]], hosts: Iterable[str]
) -> tuple[str, str] | None:
    """The first of *hosts*, and the first that has another value of *name* than that one."""
    first: tuple[str, object] | None = None
    known: list[object] = []  # as written, and found to be the value of the first host
    for host in hosts:
        variables = hostvars[host]
        written = _as_written(variables, name)
        if any(written is other or written == other for other in known):
            continue  # a value can be large, and most often all hosts have the very same from group_vars/all
        value = to_plain(variables[name]) if name in variables else None
        if first is None:
            first = (host, value)
        elif value != first[1]:
            return first[0], host
        if not _may_be_template(written):
            known.append(written)
    return None


class _Unknown:
    """How a value is written where nobody can tell."""


def _as_written(variables: Mapping[str, object], name: str) -> object:
    """The value before templates in it are worked out, where the variables are Ansible's, which keep it there."""
    written = getattr(variables, "_vars", None)
    return written.get(name) if isinstance(written, Mapping) else _Unknown()


def _may_be_template(value: object) -> bool:
    """Whether *value* can be another one on another host. What is not plainly a literal can."""
    if isinstance(value, str):
        return value.startswith("#jinja2:") or any(mark in value for mark in ("{{", "{%", "{#"))
    if isinstance(value, dict):
        return any(_may_be_template(key) or _may_be_template(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return any(_may_be_template(item) for item in value)
    return value is not None and not isinstance(value, (bool, int, float))


def rules_of_hosts(
    hostvars: Mapping[str, Mapping[str, object]], play_hosts: Iterable[str]
) -> dict[str, dict[str, t.Any]]:
    """Return host → its extra rules, by the name of their variable, where the inventory has them as plain values.

    A template among them may need what only the role knows. It is checked where the role does.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for host in play_hosts:
        written = {name: _as_written(hostvars[host], name) for name in EXTRA_RULES}
        plain = {name: to_plain(value) for name, value in written.items() if not _may_be_template(value)}
        found[host] = {name: value for name, value in plain.items() if value is not None}
    return found


def names_of_variables(hostvars: Mapping[str, Mapping[str, object]], hosts: Iterable[str]) -> dict[str, list[str]]:
    """Return host → the names of its variables that may be ours. None of them is worked out for it."""
    return {host: [str(name) for name in hostvars[host] if str(name).startswith(PREFIXES)] for host in hosts}
