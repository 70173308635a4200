# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a site: a column for each location, its firewalls across, and a line that joins these.

Pexip's hosts are below the firewall, all others above. Each group of hosts is a box at a rail that leads to the
firewall, so nothing crosses, however many rows there are. site_map.svg.j2 makes SVG of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .._values.words import count
from .drawing import Label, cut
from .report import Report
from .site_plan import Group, Place, plan_site, rows_text

_COLUMN, _GAP, _MARGIN = 308, 18, 14
_TITLE, _NAME, _NOTE = 15.0, 13.5, 12.5
_LINE, _BAR, _HEAD = 16, 34, 32
# From the left edge of a column to its rail and to its boxes, and from its boxes to its right edge.
_RAIL, _BOX, _RIGHT = 20, 44, 10
# Where the line between the firewalls goes down from one row of locations to the next.
_TRUNK = 4
# More locations are named below the drawing.
_DRAWN = 12
# A drawing that is not higher has readable labels on a page with a title.
_HIGHEST = 440
# Width of a character as part of the font size, ample for every font.
_CHARACTER = 0.6


@dataclass(frozen=True)
class Rect:
    """A rectangle: a location, a group of hosts, or a firewall."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    radius: int = 6


@dataclass(frozen=True)
class Stroke:
    """A line, with an arrow's head at the ends that have one."""

    x1: int
    y1: int
    x2: int
    y2: int
    start: bool = False
    end: bool = False


@dataclass(frozen=True)
class SiteMap:
    """A drawing as shapes. ``between`` joins firewalls. ``description`` says in a sentence what is drawn."""

    id: str
    layout: str
    width: int
    height: int
    description: str
    between: tuple[Stroke, ...]
    rects: tuple[Rect, ...]
    strokes: tuple[Stroke, ...]
    labels: tuple[Label, ...]
    is_tall: bool


@dataclass
class _Canvas:
    """A drawing that grows downwards to ``top``. ``bars`` are the heights of its firewalls, and how wide each is."""

    columns: int
    top: int = 1
    rects: list[Rect] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    bars: list[tuple[int, int]] = field(default_factory=list)

    @property
    def width(self) -> int:
        return 2 * _MARGIN + _width(self.columns)

    def label(self, kind: str, text: str, left: int, width: int, y: int, size: float) -> None:
        """Put a text into the middle of something, as far as it fits."""
        room = int((width - 12) / (size * _CHARACTER))
        self.labels.append(Label(kind, cut(text, room), left + width / 2, y, size))

    def note(self, text: str) -> None:
        """Put a sentence below what there is."""
        self.label("note", text, 0, self.width, self.top + _LINE - 4, _NOTE)
        self.top += _LINE + 4

    def finished(self, number: int, of: int, description: str) -> SiteMap:
        """Draw the line between the firewalls, also to the drawings before and after this one."""
        layout = "wide" if self.columns > 1 else "narrow"
        joins = of > 1 or len(self.bars) > 1
        between = [
            Stroke(_TRUNK if joins else _MARGIN, y, _MARGIN + width, y)
            for y, width in self.bars
            if joins or self.rects[0].width < width
        ]
        if joins and self.bars:
            first, last = self.bars[0][0] if number == 1 else 0, self.bars[-1][0] if number == of else self.top
            between.append(Stroke(_TRUNK, first, _TRUNK, last))
        return SiteMap(
            f"{layout}-{number}", layout, self.width, self.top, description, tuple(between), tuple(self.rects),
            tuple(self.strokes), tuple(self.labels), self.top > _HIGHEST,
        )  # fmt: skip


def draw_site(report: Report, columns: int) -> tuple[SiteMap, ...]:
    """Draw the site of *report*, with that many locations next to each other, in drawings that fit on a page.

    What has no location is a strip below the locations. Without locations it is all there is, and has the firewalls.
    """
    plan = plan_site(report)
    located = [place for place in plan.places if place.name]
    rows = [[[place] for place in located[first : first + columns]] for first in range(0, _DRAWN, columns)]
    canvases = [_Canvas(columns)]
    for row in filter(None, rows):
        _row(row, _with_room(canvases, _row_height(row)))
    for place in plan.places[len(located) :]:
        if located:
            _strip(place, _with_room(canvases, _strip_height(place, columns)))
        else:
            _row([_spread(place, columns)], canvases[0])
    for text in _footnotes(plan.between, [place.name for place in located[_DRAWN:]]):
        canvases[-1].note(text)
    described = f"{count(len(located), 'location')} and {count(len(report.gateways), 'firewall')}"
    return tuple(canvas.finished(number, len(canvases), described) for number, canvas in enumerate(canvases, start=1))


def _with_room(canvases: list[_Canvas], height: int) -> _Canvas:
    """Return the last drawing, or a further one where the last would become too high for a page."""
    last = canvases[-1]
    if last.rects and last.top + height > _HIGHEST:
        canvases.append(_Canvas(last.columns))
    return canvases[-1]


def _width(columns: int) -> int:
    return columns * (_COLUMN + _GAP) - _GAP


def _spread(place: Place, columns: int) -> list[Place]:
    """Put the groups of a site without locations next to each other, below and above one firewall."""
    return [Place("", place.firewalls, place.others[n::columns], place.pexip[n::columns]) for n in range(columns)]


def _sides(row: Sequence[Sequence[Place]]) -> tuple[int, int]:
    """How high a row of locations is above and below its firewalls."""
    places = [place for parts in row for place in parts]
    head = _HEAD if places[0].name else 12
    return head + max(_stacked(one.others) for one in places), 12 + max(_stacked(one.pexip) for one in places)


def _row_height(row: Sequence[Sequence[Place]]) -> int:
    return sum(_sides(row)) + _BAR


def _row(row: Sequence[Sequence[Place]], canvas: _Canvas) -> None:
    """Draw locations next to each other, each as one or more columns, with their firewalls at one height."""
    above, _below = _sides(row)
    wall, height = canvas.top + above, _row_height(row)
    left = _MARGIN
    for parts in row:
        width = _width(len(parts))
        canvas.rects.append(Rect("location", left, canvas.top, width, height))
        if parts[0].name:
            canvas.label("name", parts[0].name, left, width, canvas.top + 21, _TITLE)
        for number, place in enumerate(parts):
            _rail(place, left + number * (_COLUMN + _GAP), wall, canvas)
        _firewall(parts[0].firewalls, left, wall, width, canvas)
        left += width + _GAP
    canvas.bars.append((wall + _BAR // 2, left - _GAP - _MARGIN))
    canvas.top += height + _GAP


def _firewall(firewalls: Sequence[str], left: int, wall: int, width: int, canvas: _Canvas) -> None:
    canvas.rects.append(Rect("firewall" if firewalls else "no-firewall", left, wall, width, _BAR, 0))
    text = ", ".join(firewalls) or "no firewall of the inventory"
    canvas.label("firewall-name" if firewalls else "note", text, left, width, wall + 22, _NAME)


def _rail(place: Place, left: int, wall: int, canvas: _Canvas) -> None:
    """Draw the groups above and below the firewall, and the rail that leads through it."""
    heights = [wall, wall + _BAR]
    for groups, top in ((place.others, wall - _stacked(place.others)), (place.pexip, wall + _BAR + 12)):
        y = top
        for group in groups:
            _box(group, left, y, canvas)
            heights.append(y + 16)
            ends = (bool(group.sent), bool(group.received))
            canvas.strokes.append(Stroke(left + _RAIL, y + 16, left + _BOX, y + 16, *ends))
            y += _height(group) + 12
    if place.others or place.pexip:
        canvas.strokes.append(Stroke(left + _RAIL, min(heights), left + _RAIL, max(heights)))


def _strip_height(place: Place, columns: int) -> int:
    groups = [*place.others, *place.pexip]
    return _HEAD + max(_stacked(groups[number::columns]) for number in range(columns))


def _strip(place: Place, canvas: _Canvas) -> None:
    """Draw what has no location, which all locations share."""
    height, width = _strip_height(place, canvas.columns), _width(canvas.columns)
    canvas.rects.append(Rect("location", _MARGIN, canvas.top, width, height))
    canvas.label("name", "At no location: for all of them", _MARGIN, width, canvas.top + 21, _TITLE)
    groups = [*place.others, *place.pexip]
    for number in range(canvas.columns):
        y = canvas.top + _HEAD
        for group in groups[number :: canvas.columns]:
            _box(group, _MARGIN + number * (_COLUMN + _GAP) - (_BOX - _RIGHT) // 2, y, canvas)
            y += _height(group) + 12
    canvas.bars.append((canvas.top + height // 2, 0))
    canvas.top += height + _GAP


def _box(group: Group, left: int, y: int, canvas: _Canvas) -> None:
    x, width = left + _BOX, _COLUMN - _BOX - _RIGHT
    canvas.rects.append(Rect("box", x, y, width, _height(group)))
    canvas.label("name", group.title, x, width, y + 20, _NAME)
    texts = [*(("note", line) for line in group.lines), *(("row", line) for line in _row_lines(group))]
    for index, (kind, text) in enumerate(texts, start=1):
        canvas.label(kind, text, x, width, y + 20 + index * _LINE, _NOTE)


def _row_lines(group: Group) -> list[str]:
    """The numbers of the rows of a group: in one line where there is room."""
    parts = [
        f"{way} {rows_text(numbers)}" for way, numbers in (("from", group.sent), ("to", group.received)) if numbers
    ]
    one_line = "; ".join(parts)
    return [one_line] if len(one_line) <= (_COLUMN - _BOX - _RIGHT - 12) / (_NOTE * _CHARACTER) else parts


def _height(group: Group) -> int:
    return 28 + (len(group.lines) + len(_row_lines(group))) * _LINE


def _stacked(groups: Iterable[Group]) -> int:
    return sum(_height(group) + 12 for group in groups)


def _footnotes(between: Sequence[int], not_drawn: Sequence[str]) -> Iterable[str]:
    if between:
        yield f"Between locations: rows {rows_text(between)}"
    if not_drawn:
        yield f"Not drawn: {count(len(not_drawn), 'more location')}: {', '.join(not_drawn)}"
