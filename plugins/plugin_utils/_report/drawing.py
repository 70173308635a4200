# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of a report: who talks to whom, as SVG that lies within an HTML page and takes its colours from there.

An endpoint that many flows have in common stands at the right, the others at the left, and each flow is a straight
arrow on a line of its own. What does not lead to that endpoint comes in a further panel with another one at the right.
So nothing crosses and no label covers another, whatever rows a site adds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .._matrix.port_matrix import load_port_matrix
from .._values.words import count, display, ports_text
from .report import LITERAL_NETWORKS, Flow, Report, endpoint_title


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
_PANEL_GAP = 30
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
        protocols = "+".join(protocol.upper() for protocol in self.flow.protocols)
        return f"{self.flow.number} {self.flow.row}", f"{protocols} {ports}"


def report_as_svg(report: Report, layout: Layout) -> Markup:
    """Return the drawing of *report*, with a title and a description for people who do not see it."""
    top, parts = 1, []
    hosts, every = _hosts(report.flows), _arrows(report.flows)
    for hub, arrows in _panels(every):
        panel, height = _panel(hub, arrows, hosts, layout, top)
        parts.append(panel)
        top += height + _PANEL_GAP
    height = max(top - _PANEL_GAP + 1, 1)
    return Markup(
        '<svg class="drawing {name}" viewBox="0 0 {width} {height}" role="img"'
        ' aria-labelledby="drawing-title-{name} drawing-text-{name}" xmlns="http://www.w3.org/2000/svg">\n'
        '<title id="drawing-title-{name}">Who talks to whom</title>\n'
        '<desc id="drawing-text-{name}">{description}</desc>\n'
        '<defs><marker id="head-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
        ' orient="auto"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>\n'
        "{parts}\n</svg>"
    ).format(
        name=layout.name,
        width=layout.width,
        height=height,
        description=f"{count(len(every), 'arrow')} between endpoints, each labelled with row and ports. "
        "The table of flows has the same in words.",
        parts=Markup("\n").join(parts),
    )


def _arrows(flows: Iterable[Flow]) -> list[Arrow]:
    return [
        Arrow(source, destination, flow)
        for flow in flows
        for source in flow.source.by_endpoint
        for destination in flow.destination.by_endpoint
    ]


def _hosts(flows: Iterable[Flow]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for flow in flows:
        for party in (flow.source, flow.destination):
            for name, hosts in party.by_endpoint.items():
                found.setdefault(name, {}).update(dict.fromkeys(hosts))
    return {name: tuple(hosts) for name, hosts in found.items()}


def _panels(arrows: list[Arrow]) -> Iterable[tuple[str, list[Arrow]]]:
    """Yield the endpoint at the right and its arrows, until no arrow is left."""
    while arrows:
        uses = Counter(name for arrow in arrows for name in dict.fromkeys((arrow.source, arrow.destination)))
        hub = min(uses, key=lambda name: (-uses[name], _place(name)))
        yield hub, [arrow for arrow in arrows if hub in (arrow.source, arrow.destination)]
        arrows = [arrow for arrow in arrows if hub not in (arrow.source, arrow.destination)]


def _place(name: str) -> tuple[int, str]:
    order = list(load_port_matrix().endpoints)
    return (order.index(name) if name in order else len(order)), name


def _panel(
    hub: str, arrows: Sequence[Arrow], hosts: dict[str, tuple[str, ...]], layout: Layout, top: int
) -> tuple[Markup, int]:
    at_right = _hub_texts(hub, hosts[hub], layout)
    peers = [_Peer.of(peer, hub, arrows, hosts, layout) for peer in sorted(_others(hub, arrows), key=_place)]
    short = _height_of_hub(hub, at_right, layout) - sum(peer.height + _GAP for peer in peers) + _GAP
    parts, y = [], top
    for index, peer in enumerate(peers):
        # What the text at the right needs beyond the boxes at the left, the first of them gets.
        height = peer.height + (max(short, 0) if index == 0 else 0)
        parts.append(_box(1, y, layout.peer, height, peer.lines, peer.notes, layout))
        first = y + (height - len(peer.arrows) * _LANE_HEIGHT) / 2
        parts += [
            _wire(arrow, arrow.destination == hub, first + lane * _LANE_HEIGHT, layout)
            for lane, arrow in enumerate(peer.arrows)
        ]
        y += height + _GAP
    height = y - _GAP - top
    left = 1 + layout.peer + layout.lane
    if layout.upright:
        parts.append(_box(left, top, layout.hub, height, *at_right, layout))
    else:
        parts.append(_turned_box(left, top, height, hub, layout))
    return Markup("\n").join(parts), height


@dataclass(frozen=True)
class _Peer:
    """A box at the left: its texts, its arrows and the height that both need."""

    lines: list[str]
    notes: list[str]
    arrows: list[Arrow]
    height: int

    @classmethod
    def of(
        cls, name: str, hub: str, arrows: Sequence[Arrow], hosts: dict[str, tuple[str, ...]], layout: Layout
    ) -> _Peer:
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


def _hub_texts(hub: str, hosts: Sequence[str], layout: Layout) -> tuple[list[str], list[str]]:
    return _wrapped(endpoint_title(hub), layout.hub, layout), _wrapped(_who(hosts, layout), layout.hub, layout, most=2)


def _who(hosts: Sequence[str], layout: Layout) -> str:
    names = [display(host) for host in hosts if host != LITERAL_NETWORKS]
    if not names:
        return LITERAL_NETWORKS
    room = int(layout.peer / (layout.title_size * _PROPORTIONAL))
    if layout.upright and len(", ".join(names)) <= 2 * room - 8:
        return ", ".join(names)
    return count(len(names), "host")


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
    return [_cut(line, room) for line in lines]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _box(
    x: float, y: float, width: float, height: float, lines: Sequence[str], notes: Sequence[str], layout: Layout
) -> Markup:
    step = layout.title_size * 1.35
    first = y + height / 2 - (len(lines) + len(notes)) * step / 2 + step * 0.75
    texts = [
        Markup('<text class="{}" x="{}" y="{:.1f}" font-size="{}" text-anchor="middle">{}</text>').format(
            kind, x + width / 2, first + index * step, layout.title_size - (1 if kind == "note" else 0), line
        )
        for index, (kind, line) in enumerate([*(("name", line) for line in lines), *(("note", n) for n in notes)])
    ]
    box = Markup('<rect class="box" x="{}" y="{}" width="{}" height="{}" rx="6"/>').format(x, y, width, height)
    return Markup("{}{}").format(box, Markup("").join(texts))


def _turned_box(x: float, y: float, height: float, hub: str, layout: Layout) -> Markup:
    box = Markup('<rect class="box" x="{}" y="{}" width="{}" height="{}" rx="6"/>').format(x, y, layout.hub, height)
    room = int((height - 8) / (layout.title_size * _PROPORTIONAL))
    return Markup(
        '{}<text class="name" font-size="{}" text-anchor="middle" transform="translate({} {:.1f}) rotate(90)">{}</text>'
    ).format(
        box,
        layout.title_size,
        x + layout.hub / 2 - layout.title_size * 0.35,
        y + height / 2,
        _cut(endpoint_title(hub), room),
    )


def _wire(arrow: Arrow, to_hub: bool, top: float, layout: Layout) -> Markup:
    left, right = 1 + layout.peer, 1 + layout.peer + layout.lane
    start, end = (left, right - 1) if to_hub else (right, left + 1)
    y = top + _LANE_HEIGHT / 2
    room = int((layout.lane - layout.margin) / (layout.label_size * _MONOSPACED))
    row, ports = arrow.labels()
    middle = (left + right) / 2
    return Markup(
        '<g class="flow"><title>{title}</title>'
        '<line class="wire" x1="{start}" y1="{y:.1f}" x2="{end}" y2="{y:.1f}" marker-end="url(#head-{name})"/>'
        '<text class="row" x="{middle}" y="{above:.1f}" font-size="{size}" text-anchor="middle">{row}</text>'
        '<text class="ports" x="{middle}" y="{below:.1f}" font-size="{size}" text-anchor="middle">{ports}</text></g>'
    ).format(
        title=f"{endpoint_title(arrow.source)} to {endpoint_title(arrow.destination)}: row {row}, {ports}",
        start=start,
        end=end,
        y=y,
        name=layout.name,
        middle=middle,
        above=y - 5,
        below=y + layout.label_size + 2,
        size=layout.label_size,
        row=_cut(row, room),
        ports=_cut(ports, room),
    )
