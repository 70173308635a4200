# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a site as text for Mermaid, which wikis draw: locations, firewalls, and who is at which side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .report import Report
from .site_plan import Group, Place, plan_site, rows_text
from .words import NOTHING


def report_as_mermaid(report: Report) -> str:
    """Return the site as a flowchart of Mermaid."""
    plan = plan_site(report)
    lines = ["flowchart LR"]
    for number, place in enumerate(plan.places):
        lines += _place(f"p{number}", place)
    if len(plan.places) > 1:
        between = "<br>".join(["between locations", *([_rows(plan.between)] if plan.between else [])])
        lines.append(f'  between(("{between}"))')
        # What all locations share comes behind, where Mermaid gives it a side of its own.
        lines += [
            f"  p{number} === between" if place.name else f"  between === p{number}"
            for number, place in enumerate(plan.places)
        ]
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
        rows = _rows(sorted({*group.sent, *group.received}))
        label = [*map(_text, (group.title, *group.lines)), *([] if through else [rows])]
        yield f'    {name}["{"<br>".join(label)}"]'
        if through:
            yield f"    {_arrow(group, name, firewall, rows, number < len(place.others))}"
    yield "  end"


def _arrow(group: Group, name: str, firewall: str, rows: str, is_before: bool) -> str:
    """Draw what goes between a group and a firewall. Mermaid has no arrow that points back only."""
    both = group.sent and group.received
    ends = (name, firewall) if (is_before if both else group.sent) else (firewall, name)
    return f'{ends[0]} {"<-->" if both else "-->"}|"{rows}"| {ends[1]}'


def _rows(numbers: Sequence[int]) -> str:
    return f"{'row' if len(numbers) == 1 else 'rows'} {rows_text(numbers)}"


def _text(text: str) -> str:
    """Write whatever Mermaid could take for something else than text as a code."""
    return re.sub(r"[^\w .,:/()-]", lambda one: f"#{ord(one[0])};", text)
