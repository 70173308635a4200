# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a report: who talks to whom, and where on the drawing. drawing.svg.j2 makes SVG of it.

An endpoint that many flows have in common stands at the right, the others at the left, and each flow is a straight
arrow on a line of its own. What does not lead to that endpoint comes in a further panel with another one at the right.
So nothing crosses and no label covers another, whatever rows a site adds.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from .._rules.protocols import protocol_text
from .._values.words import count, display, ports_text
from .host_lists import LITERAL_NETWORKS, Entry, HostList, counted, endpoint_place, endpoint_title
from .report import Flow, Report


@dataclass(frozen=True)
class Layout:
    """Widths in user units: the columns ``peer``, ``lane`` and ``hub``. Text widths follow from the font sizes."""

    name: str
    peer: int
    lane: int
    hub: int
    title_size: float
    label_size: float
    margin: int
    upright: bool = True

    @property
    def width(self) -> int:
        """The width of the whole drawing."""
        return self.peer + self.lane + self.hub + 2


WIDE = Layout("wide", peer=210, lane=330, hub=170, title_size=14, label_size=12.5, margin=30)
NARROW = Layout("narrow", peer=100, lane=216, hub=34, title_size=11, label_size=10, margin=8, upright=False)

_LANE_HEIGHT = 42
_GAP = 12
# The arrows of a panel: its labels are readable where that is as high as a page.
_ON_A_PAGE = 12
# Widths of a character as parts of the font size: exact for the monospaced labels, ample for titles.
_MONOSPACED, _PROPORTIONAL = 0.605, 0.63


@dataclass(frozen=True)
class Arrow:
    """One flow between two endpoints."""

    source: str
    destination: str
    flow: Flow

    def other_end(self, hub: str) -> str:
        """The end that is not *hub*, which is *hub* where both are."""
        return self.destination if self.source == hub else self.source

    def labels(self) -> tuple[str, str]:
        """The row, and protocol and ports."""
        source, destination = ports_text(self.flow.source_ports), ports_text(self.flow.destination_ports)
        ports = destination if source == "any" and destination != "any" else f"{source} → {destination}"
        protocols = "+".join(map(protocol_text, self.flow.protocols))
        what = f"{protocols} {ports}" if self.flow.has_ports else protocols
        return f"{self.flow.number} {self.flow.row}", what


@dataclass(frozen=True)
class Label:
    """A text whose middle is at *x*, and whose line is at *y*; or one that is *turned* and reads from top to bottom."""

    kind: str
    text: str
    x: float
    y: float
    size: float
    turned: bool = False


@dataclass(frozen=True)
class Box:
    """An endpoint with its texts."""

    x: int
    y: int
    width: int
    height: int
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Wire:
    """An arrow as it is drawn: from *start* to *end*, labelled with the row above, and protocol and ports below."""

    title: str
    start: int
    end: int
    y: float
    labels: tuple[Label, Label]


@dataclass(frozen=True)
class Peer:
    """An endpoint at the left, and what leads from it and to it."""

    box: Box
    wires: tuple[Wire, ...]


@dataclass(frozen=True)
class Panel:
    """The endpoint at the right, and those that it talks to. ``arrows`` is the number of arrows in words."""

    peers: tuple[Peer, ...]
    hub: Box
    arrows: str
    height: int


@dataclass(frozen=True)
class Drawing:
    """All panels, each of which fits on a page, one below the other."""

    name: str
    width: int
    panels: tuple[Panel, ...]


def draw(report: Report, layout: Layout) -> Drawing:
    """Return the drawing of *report*."""
    hosts = _hosts(report.flows)
    panels = [
        _panel(hub, part, hosts, layout)
        for hub, arrows in _panels(_arrows(report.flows))
        for part in _pages(hub, arrows)
    ]
    return Drawing(layout.name, layout.width, tuple(panels))


def _arrows(flows: Iterable[Flow]) -> list[Arrow]:
    """Return the arrows: one for all flows that look the same here, such as those of a row in each location."""
    every = [
        Arrow(source, destination, flow)
        for flow in flows
        for source in flow.source.by_endpoint
        for destination in flow.destination.by_endpoint
    ]
    return list({(one.source, one.destination, *one.labels()): one for one in reversed(every)}.values())[::-1]


def _hosts(flows: Iterable[Flow]) -> dict[str, tuple[Entry, ...]]:
    """Return endpoint → its hosts, each with all addresses that it has in a flow."""
    lists: dict[str, dict[HostList, None]] = {}
    for flow in flows:
        for party in (flow.source, flow.destination):
            for name, one in party.by_endpoint.items():
                lists.setdefault(name, {})[one] = None
    return {name: tuple(_merged(of_endpoint)) for name, of_endpoint in lists.items()}


def _merged(lists: Collection[HostList]) -> Iterable[Entry]:
    if len(lists) == 1:
        return next(iter(lists)).entries
    found: dict[str, Entry] = {}
    for entry in (entry for one in lists for entry in one.entries):
        known = found.setdefault(entry.host, entry)
        if known is not entry:
            found[entry.host] = replace(known, cidrs=tuple(dict.fromkeys((*known.cidrs, *entry.cidrs))))
    return found.values()


def _panels(arrows: list[Arrow]) -> Iterable[tuple[str, list[Arrow]]]:
    """Yield the endpoint at the right and its arrows, until no arrow is left."""
    while arrows:
        uses = Counter(name for arrow in arrows for name in dict.fromkeys((arrow.source, arrow.destination)))
        hub = min(uses, key=lambda name: (-uses[name], endpoint_place(name)))
        yield hub, [arrow for arrow in arrows if hub in (arrow.source, arrow.destination)]
        arrows = [arrow for arrow in arrows if hub not in (arrow.source, arrow.destination)]


def _pages(hub: str, arrows: Sequence[Arrow]) -> Iterable[list[Arrow]]:
    """Cut the arrows of a panel into parts that fit on a page, those of an endpoint next to each other."""
    ordered = sorted(arrows, key=lambda arrow: endpoint_place(arrow.other_end(hub)))
    page: list[Arrow] = []
    for _peer, group in itertools.groupby(ordered, key=lambda arrow: arrow.other_end(hub)):
        own = list(group)
        if len(page) + len(own) > _ON_A_PAGE and page:
            yield page
            page = []
        page += own
        while len(page) > _ON_A_PAGE:
            yield page[:_ON_A_PAGE]
            page = page[_ON_A_PAGE:]
    yield page


def _panel(hub: str, arrows: Sequence[Arrow], hosts: dict[str, tuple[Entry, ...]], layout: Layout) -> Panel:
    at_right = _hub_texts(hub, hosts[hub], layout)
    plans = [
        _PeerPlan.of(peer, hub, arrows, hosts, layout) for peer in sorted(_others(hub, arrows), key=endpoint_place)
    ]
    short = _height_of_hub(hub, at_right, layout) - sum(plan.height + _GAP for plan in plans) + _GAP
    top, peers = 1, list[Peer]()
    y = top
    for index, plan in enumerate(plans):
        # What the text at the right needs beyond the boxes at the left, the first of them gets.
        height = plan.height + (max(short, 0) if index == 0 else 0)
        first = y + (height - len(plan.arrows) * _LANE_HEIGHT) / 2
        wires = (
            _wire(arrow, arrow.destination == hub, first + lane * _LANE_HEIGHT, layout)
            for lane, arrow in enumerate(plan.arrows)
        )
        peers.append(Peer(_box(1, y, layout.peer, height, plan.lines, plan.notes, layout), tuple(wires)))
        y += height + _GAP
    height = y - _GAP - top
    left = 1 + layout.peer + layout.lane
    if layout.upright:
        box = _box(left, top, layout.hub, height, *at_right, layout)
    else:
        box = _turned_box(left, top, height, hub, layout)
    return Panel(tuple(peers), box, count(len(arrows), "arrow"), height + 2)


@dataclass(frozen=True)
class _PeerPlan:
    """What is to be drawn at the left: texts, arrows and the height that both need."""

    lines: list[str]
    notes: list[str]
    arrows: list[Arrow]
    height: int

    @classmethod
    def of(
        cls, name: str, hub: str, arrows: Sequence[Arrow], hosts: dict[str, tuple[Entry, ...]], layout: Layout
    ) -> _PeerPlan:
        own = [arrow for arrow in arrows if arrow.other_end(hub) == name]
        lines = _wrapped(endpoint_title(name), layout.peer, layout)
        notes = _wrapped(_who(hosts[name], layout), layout.peer, layout, most=2)
        return cls(lines, notes, own, max(len(own) * _LANE_HEIGHT + 8, _height_of_text(lines, notes, layout)))


def _others(hub: str, arrows: Iterable[Arrow]) -> set[str]:
    return {arrow.other_end(hub) for arrow in arrows}


def _height_of_text(lines: Sequence[str], notes: Sequence[str], layout: Layout) -> int:
    return (len(lines) + len(notes)) * round(layout.title_size * 1.35) + 18


def _height_of_hub(hub: str, texts: tuple[list[str], list[str]], layout: Layout) -> int:
    if layout.upright:
        return _height_of_text(*texts, layout)
    return min(round(len(endpoint_title(hub)) * layout.title_size * _PROPORTIONAL) + 14, 240)


def _hub_texts(hub: str, hosts: Sequence[Entry], layout: Layout) -> tuple[list[str], list[str]]:
    return _wrapped(endpoint_title(hub), layout.hub, layout), _wrapped(_who(hosts, layout), layout.hub, layout, most=2)


def _who(hosts: Sequence[Entry], layout: Layout) -> str:
    names = [display(entry.host) for entry in hosts if entry.host != LITERAL_NETWORKS]
    room = int(layout.peer / (layout.title_size * _PROPORTIONAL))
    if names and layout.upright and len(", ".join(names)) <= 2 * room - 8:
        return ", ".join(names)
    return counted(hosts)


def _wrapped(text: str, width: float, layout: Layout, most: int = 4) -> list[str]:
    """Break *text* into at most *most* lines that fit into *width*."""
    room = int((width - 16) / (layout.title_size * _PROPORTIONAL))
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [cut(line, room) for line in lines]


def cut(text: str, room: int) -> str:
    """Return *text*, or its beginning where it does not fit into *room* characters."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _box(x: int, y: int, width: int, height: int, lines: Sequence[str], notes: Sequence[str], layout: Layout) -> Box:
    step = layout.title_size * 1.35
    first = y + height / 2 - (len(lines) + len(notes)) * step / 2 + step * 0.75
    texts = [
        *(("name", line, layout.title_size) for line in lines),
        *(("note", note, layout.title_size - 1) for note in notes),
    ]
    labels = (
        Label(kind, text, x + width / 2, round(first + index * step, 1), size)
        for index, (kind, text, size) in enumerate(texts)
    )
    return Box(x, y, width, height, tuple(labels))


def _turned_box(x: int, y: int, height: int, hub: str, layout: Layout) -> Box:
    room = int((height - 8) / (layout.title_size * _PROPORTIONAL))
    middle = x + layout.hub / 2 - layout.title_size * 0.35
    text = cut(endpoint_title(hub), room)
    label = Label("name", text, middle, round(y + height / 2, 1), layout.title_size, turned=True)
    return Box(x, y, layout.hub, height, (label,))


def _wire(arrow: Arrow, to_hub: bool, top: float, layout: Layout) -> Wire:
    left, right = 1 + layout.peer, 1 + layout.peer + layout.lane
    start, end = (left, right - 1) if to_hub else (right, left + 1)
    middle, y, size = (left + right) / 2, top + _LANE_HEIGHT / 2, layout.label_size
    room = int((layout.lane - layout.margin) / (size * _MONOSPACED))
    row, ports = arrow.labels()
    return Wire(
        title=f"{endpoint_title(arrow.source)} to {endpoint_title(arrow.destination)}: row {row}, {ports}",
        start=start,
        end=end,
        y=round(y, 1),
        labels=(
            Label("row", cut(row, room), middle, round(y - 5, 1), size),
            Label("ports", cut(ports, room), middle, round(y + size + 2, 1), size),
        ),
    )
