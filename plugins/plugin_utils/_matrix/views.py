# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views: which address of a NATed pair a host sees of each of the others."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._values.errors import PortMatrixError, ProblemList, names, shown, unknown
from .._values.mapping import as_choice

Sight = t.Literal["advertised", "local"]
SIGHTS: tuple[Sight, ...] = ("advertised", "local")
_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class View:
    """What one host sees: of ``others`` the one side of a NATed pair, and of everybody else the side ``sight``."""

    sight: Sight = "advertised"
    others: frozenset[str] = frozenset()

    def of(self, host: str | None) -> Sight:
        """The side that is seen of *host*."""
        return self.sight if host not in self.others else "local" if self.sight == "advertised" else "advertised"


ADVERTISED = View()
"""The view of an onlooker, and of a host whose ``port_matrix_view`` nobody set."""

LOCAL = View("local")


@dataclass(frozen=True)
class Named:
    """What a view may name: each gives the hosts that it stands for. The first kind that names a host decides."""

    hosts: frozenset[str]
    groups: Mapping[str, Sequence[str]]
    endpoints: Mapping[str, Callable[[], Iterable[str]]]

    def all(self) -> set[str]:
        """Every name."""
        return {*self.hosts, *self.groups, *self.endpoints}


def parse_view(value: object, where: str, named: Named) -> View:
    """Read what a user wrote: a side, or a mapping of ``default`` and names to sides.

    :raises PortMatrixError: with everything in it that is wrong, a line each, which begins with *where*.
    """
    if not isinstance(value, Mapping):
        return View(_sight(value, where))
    problems = ProblemList()
    by_kind: list[dict[str, set[Sight]]] = [{}, {}, {}]  # host, group, endpoint: in this order
    default = problems.attempt(_sight, value.get(_DEFAULT, ADVERTISED.sight), f"{where}.{_DEFAULT}") or "advertised"
    for name, side in value.items():
        if name == _DEFAULT:
            continue
        sight = problems.attempt(_sight, side, f"{where}.{name}" if str(name).isprintable() else where)
        found = _hosts_named(name, named)
        if found is None:
            problem, accepted = unknown(name, named.all())
            problems.add(f"{where}: {problem}; accepted: default, or a host, group or endpoint: {accepted}")
        elif sight:
            kind, hosts = found
            for host in hosts:
                by_kind[kind].setdefault(host, set()).add(sight)
    others = {
        host
        for host in {host for kind in by_kind for host in kind}
        if problems.attempt(_decided, host, by_kind, where) not in (default, None)
    }
    problems.raise_if_any()
    return View(default, frozenset(others))


def _sight(value: object, where: str) -> Sight:
    return "local" if as_choice(value, where, SIGHTS) == "local" else "advertised"


def _hosts_named(name: object, named: Named) -> tuple[int, Iterable[str]] | None:
    """Return the kind of *name* (0 host, 1 group, 2 endpoint) and its hosts; None where nothing has that name."""
    if name in named.hosts:
        return 0, (str(name),)
    if name in named.groups:
        return 1, named.groups[str(name)]
    if name in named.endpoints:
        return 2, named.endpoints[str(name)]()
    return None


def _decided(host: str, by_kind: Sequence[Mapping[str, set[Sight]]], where: str) -> Sight:
    """Return what the first kind that names *host* says of it.

    :raises PortMatrixError: where two names of this kind disagree, as an address is translated or not.
    """
    sights = next(kind[host] for kind in by_kind if host in kind)
    if len(sights) > 1:
        raise PortMatrixError.at(
            where, f"names host {shown(host)} as {names(sights)}", "one of them, or the host by its own name"
        )
    return next(iter(sights))
