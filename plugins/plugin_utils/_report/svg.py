# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a site as a file of its own, for a document or a wiki."""

from __future__ import annotations

from pathlib import Path

from .html import rendered
from .report import Report
from .site_map import draw_site

_STYLE = (Path(__file__).parent / "drawing.css").read_text(encoding="utf-8")
# The names of colours that the page has, and what a file of its own needs besides.
_LIGHT = """
:root { --page: #fff; --raised: #f1f4f6; --text: #1b232c; --muted: #55616e; --edge: #8c98a5; --accent: #0a5a76;
  --firewall: #9a3412; --mono: "DejaVu Sans Mono", Menlo, Consolas, monospace; }
text { font-family: system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
.page { fill: var(--page); }
"""


def report_as_svg(report: Report) -> str:
    """Return the drawing of the site as SVG."""
    drawings = draw_site(report, columns=3)
    placed, y = [], 0
    for drawing in drawings:
        placed.append((y, drawing))
        y += drawing.height
    return rendered("site.svg.j2", placed=placed, width=drawings[0].width, height=y, style=_LIGHT + _STYLE)
