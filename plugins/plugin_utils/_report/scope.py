# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes: which part of a site a report is about."""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .._matrix.expand import expand_host, expand_site, expand_transit
from .._matrix.rows import Row
from .._matrix.site import Site
from .._rules.canonical import Rule
from .._values.errors import PortMatrixError, names, nearest_text, shown

Kind = t.Literal["site", "host", "gateway", "pair"]
ACCEPTED = "site, host:NAME, gateway:NAME or pair:ENDPOINT:ENDPOINT"


@dataclass(frozen=True)
class Scope:
    """The whole site, what must be open on one host, on one gateway, or between two endpoints."""

    kind: Kind = "site"
    names: tuple[str, ...] = ()

    def text(self) -> str:
        """The scope as users write it; :func:`read_scope` reads it back."""
        return ":".join((self.kind, *self.names))

    def file_stem(self) -> str:
        """The name of a report's files without the extension: another one for each scope, whatever a host is called."""
        if self.kind == "site":
            return "port-matrix"
        stem = "-".join(("port-matrix", self.kind, *self.names))
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", stem)[:100]
        # Two names must not end in one file, and a digest tells apart what the plain form does not. Further files of
        # a report have these ends.
        is_plain = plain == stem and not plain.endswith(("-pairs", "-changes"))
        return plain if is_plain else f"{plain}-{hashlib.sha256(stem.encode('utf-8', 'replace')).hexdigest()[:8]}"


def read_scope(value: object, where: str, site: Site, gateways: Sequence[str] = ()) -> Scope:
    """Read a scope and check that *site* has what it names.

    :param gateways: the hosts that may be named as gateway.
    :raises PortMatrixError: if it is no scope, or names a host or endpoint that there is not.
    """
    if not isinstance(value, str):
        raise PortMatrixError.at(where, f"{shown(value)} is not a string", ACCEPTED)
    kind, colon, rest = value.partition(":")
    if value == "site":
        return Scope()
    if kind == "host" and colon:
        hosts = {m.host for members in site.endpoints.values() for m in members if m.host is not None}
        return Scope("host", (_known(rest, where, "host that is an endpoint of an enabled row", hosts),))
    if kind == "gateway" and colon:
        return Scope("gateway", (_known(rest, where, "gateway", set(gateways)),))
    if kind == "pair" and rest.count(":") == 1:
        pair = [_known(name, where, "endpoint of an enabled row", set(site.endpoints)) for name in rest.split(":")]
        return Scope("pair", tuple(pair))
    raise PortMatrixError.at(where, f"{shown(value)} is not a scope", ACCEPTED)


def _known(name: str, where: str, what: str, known: set[str]) -> str:
    if name not in known:
        some = sorted(known)[:30]
        listed = names(shown(one) for one in some) + (f" and {len(known) - 30} more" if len(known) > 30 else "")
        raise PortMatrixError.at(
            where, f"there is no {what} {shown(name)}{nearest_text(name, known)}", listed or "none, as there is none"
        )
    return name


def rules_in_scope(site: Site, scope: Scope) -> list[Rule]:
    """Return the canonical rules of *scope*.

    Those of a host are in the addresses that the host itself has and sees, with their hook (input or output), and
    those of a gateway in the addresses that the gateway sees.
    """
    if scope.kind == "host":
        (host,) = scope.names
        return expand_host(site, host, "input") + expand_host(site, host, "output")
    if scope.kind == "gateway":
        return expand_transit(site, scope.names[0])
    if scope.kind == "pair":
        one, other = scope.names
        return expand_site(replace(site, rows=tuple(_rows_between(site, one, other))))
    return expand_site(site)


def _rows_between(site: Site, one: str, other: str) -> Iterator[Row]:
    """Narrow the rows down to what goes from one endpoint to the other, a row for each direction."""
    for row in site.rows:
        for source, destination in row.directions():
            for here, there in dict.fromkeys(((one, other), (other, one))):
                if here in source and there in destination:
                    yield replace(row, source=(here,), destination=(there,), bidirectional=False)
