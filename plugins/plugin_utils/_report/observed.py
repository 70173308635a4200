# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts observed, next to what a report permits: only what that does not permit is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .._matrix.site import Site
from .._observed.earlier import Earlier
from .._observed.findings import SOURCE_PORT, Finding
from .._observed.flows import Memory
from .._observed.judgement import covers, single
from .._observed.proposal import Proposed
from .._observed.site_rules import SiteRules, permitted
from .scope import Scope


@dataclass(frozen=True)
class Observed:
    """What each host said of its memory, and the findings that concern the scope and that the site does not permit.

    ``permitted`` is how many more it permits by now, and ``elsewhere`` how many do not concern the scope. What is
    ``proposed`` has the places of the findings that are left.
    """

    memories: tuple[Memory, ...]
    findings: tuple[Finding, ...]
    proposed: tuple[Proposed, ...]
    permitted: int = 0
    elsewhere: int = 0
    not_proposed: tuple[str, ...] = ()


def still_observed(earlier: Earlier, site: Site, scope: Scope) -> Observed:
    """Return what of an *earlier* observation a report on *scope* of *site* has to show."""
    rules = SiteRules(site)
    kept: dict[int, Finding] = {}
    by_now = elsewhere = 0
    for place, finding in enumerate(earlier.findings):
        left = _not_permitted(rules, finding)
        if not _concerns(site, scope, finding):
            elsewhere += 1
        elif left.ports:
            kept[place] = left
        else:
            by_now += 1
    memories = [one for one in earlier.memories if scope.kind != "gateway" or one.gateway in scope.names]
    return Observed(
        memories=tuple(memories),
        findings=tuple(kept.values()),
        proposed=tuple(_still_proposed(earlier, list(kept))),
        permitted=by_now,
        elsewhere=elsewhere,
        not_proposed=earlier.not_proposed if kept else (),
    )


def _not_permitted(rules: SiteRules, finding: Finding) -> Finding:
    """Return *finding* with the ports that are not permitted.

    From which source port it came is not remembered. Rows that permit it from some came later than it was seen, but
    where it was said then that these are the nearest.
    """
    by_now = permitted(rules.matching(finding.pair))
    if finding.reason.differs_in != SOURCE_PORT:
        by_now = covers(rules, finding.pair)
    return replace(finding, ports=finding.ports.difference(by_now))


def _concerns(site: Site, scope: Scope, finding: Finding) -> bool:
    pair = finding.pair
    if scope.kind == "gateway":
        return pair.gateway in scope.names
    if scope.kind == "host":
        return bool({pair.gateway, finding.source.name, finding.destination.name}.intersection(scope.names))
    if scope.kind == "pair":
        known = site.side(scope.names).members.values()
        ends = [single(pair.family, address) for address in (pair.source, pair.destination)]
        return any(member.addresses.all().intersection(end) for member in known for end in ends)
    return True


def _still_proposed(earlier: Earlier, kept: list[int]) -> Iterator[Proposed]:
    new = {place: number for number, place in enumerate(kept)}
    for one in earlier.proposed:
        flows = tuple(new[place] for place in one.flows if place in new)
        if flows:
            yield one._replace(flows=flows)
