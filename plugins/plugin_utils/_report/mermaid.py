# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a site as text for Mermaid, which wikis draw: locations, firewalls, and who is at which side."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from .report import Report
from .site_plan import Group, Place, plan_site, rows_text
from .words import NOTHING


def report_as_mermaid(report: Report) -> str:
    """Return the site as a flowchart of Mermaid."""
    plan = plan_site(report)
    lines = ["flowchart LR"]
    for number, place in enumerate(plan.places):
        lines += _place(f"p{number}", place)
    names = [f"p{number}_firewall" for number, place in enumerate(plan.places) if place.firewalls or place.name]
    lines += [f"  {one} === {other}" for one, other in itertools.pairwise(names)]
    if names:
        rest = [f"p{number}" for number, place in enumerate(plan.places) if f"p{number}_firewall" not in names]
        lines += [f"  {names[-1]} === {one}" for one in rest]
    if plan.between:
        lines.append(f"  %% between locations: rows {rows_text(plan.between)}")
    if not plan.places:
        lines.append(f'  nothing["{NOTHING}"]')
    return "\n".join(lines) + "\n"


def _place(place_id: str, place: Place) -> Iterable[str]:
    yield f'  subgraph {place_id}["{_text(place.name or "At no location")}"]'
    firewall = f"{place_id}_firewall"
    through = bool(place.firewalls or place.name)
    if through:
        yield f'    {firewall}{{{{"{_text(", ".join(place.firewalls) or "no firewall of the inventory")}"}}}}'
    for number, group in enumerate((*place.others, *place.pexip)):
        name = f"{place_id}_{number}"
        yield f'    {name}["{"<br>".join(map(_text, (group.title, *group.lines)))}"]'
        if through:
            # Who is at the right of a firewall in the flowchart, is at the right of its arrow.
            ends = (name, firewall) if number < len(place.others) else (firewall, name)
            yield f'    {ends[0]} {_arrow(group, ends[0] == name)}|"rows {_rows(group)}"| {ends[1]}'
    yield "  end"


def _arrow(group: Group, is_left: bool) -> str:
    to_right, to_left = (group.sent, group.received) if is_left else (group.received, group.sent)
    return "<-->" if to_right and to_left else "-->" if to_right else "<--"


def _rows(group: Group) -> str:
    return rows_text(sorted({*group.sent, *group.received}))


def _text(text: str) -> str:
    """Write whatever Mermaid could take for something else than text as a code."""
    return re.sub(r"[^\w .,:/()-]", lambda one: f"#{ord(one[0])};", text)
