# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the HTML report. ``Markup`` escapes everything that is put into it, so no text can become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from .._probes.verification import Probe, Verification
from .._rules.canonical import Rule
from .._rules.words import rule_cidrs
from .._values.intervals import IntervalSet
from .._values.ports import format_ports
from .._values.words import count, display, people_cidrs, ports_text, some
from .baseline import Changes
from .reasons import origin, reason
from .report import LITERAL_NETWORKS, Flow, Party, Report
from .words import DIRECTIONS, protocols_text

# More hosts or addresses than these are not shown in a cell, which then leads to their list.
_HOSTS_IN_A_CELL = 4
_ADDRESSES_IN_A_CELL = 8
# Longer lists of addresses are folded, and the longest stay so on paper.
_OPEN_ADDRESSES = 40
_PRINTED_ADDRESSES = 400
# What is new or gone is why people look, so more of it is shown at once.
_ADDRESSES_OF_A_CHANGE = 12
_PROBES_AT_ONCE = 40

_VERDICTS = {
    "open": "open",
    "refused": "refused",
    "filtered": "filtered (no answer)",
    "not_probeable": "not probeable when idle",
    "error": "error",
}


def joined(parts: Iterable[Markup], between: str = "\n") -> Markup:
    """Put pieces of markup one after the other."""
    return Markup(between).join(parts)  # noqa: S704 - the separators are literals of this package


def flows_table(report: Report) -> Markup:
    """The table of flows, which the filter works on."""
    with_hook = any(flow.hook in ("input", "output") for flow in report.flows)
    columns = ["Row", "From", "Source ports", "To", "Destination ports", "Protocol", "Why and source"]
    if with_hook:
        columns.insert(1, "Direction")
    seen: set[str] = set()
    lines = []
    for flow in report.flows:
        anchor = Markup(' id="row-{}"').format(flow.row) if flow.row not in seen else Markup("")
        seen.add(flow.row)
        lines.append(_flow(flow, anchor, with_hook))
    return _table("flows-table", "Every flow of this report, with the addresses that it has now.", columns, lines)


def _table(table_id: str, caption: str, columns: Sequence[str], lines: Iterable[Markup]) -> Markup:
    # The roles stay where a narrow page shows lines as cards, which takes the table away from screen readers.
    heads = (Markup('<th scope="col" role="columnheader">{}</th>').format(column) for column in columns)
    return Markup(
        '<table id="{}" role="table">\n<caption>{}</caption>\n'
        '<thead role="rowgroup"><tr role="row">{}</tr></thead>\n<tbody role="rowgroup">\n{}\n</tbody>\n</table>'
    ).format(table_id, caption, joined(heads, ""), joined(lines))


def _cell(label: str, content: str, kind: str = "") -> Markup:
    return Markup('<td role="cell"{} data-label="{}"><div>{}</div></td>').format(
        Markup(' class="{}"').format(kind) if kind else "", label, content
    )


def _flow(flow: Flow, anchor: Markup, with_hook: bool) -> Markup:
    endpoints = dict.fromkeys((*flow.source.endpoints, *flow.destination.endpoints))
    cells = [_cell("Direction", DIRECTIONS[flow.hook])] if with_hook and flow.hook else []
    cells += [
        _cell("From", _party(flow.source)),
        _ports("Source ports", flow.source_ports),
        _cell("To", _party(flow.destination)),
        _ports("Destination ports", flow.destination_ports),
        _cell("Protocol", protocols_text(flow)),
        _cell("Why and source", _why(flow), "why"),
    ]
    return Markup(
        '<tr role="row"{} data-endpoints="{}" data-source="{}" data-destination="{}" data-ports="{}">'
        '<th scope="row" role="rowheader"><div class="row-name"><span class="number">{}</span>{}</div></th>{}</tr>'
    ).format(
        anchor,
        " ".join(endpoints),
        flow.source.id,
        flow.destination.id,
        " ".join(format_ports(flow.destination_ports)),
        flow.number,
        _row_id(flow.row),
        joined(cells, ""),
    )


def _row_id(row: str) -> Markup:
    # An id may break at its underscores, and elsewhere only where it is too long otherwise.
    parts = re.findall(r"[^_]{1,20}_?|_", row)
    return Markup("<code>{}</code>").format(joined((Markup("{}").format(part) for part in parts), "<wbr>"))


def _ports(label: str, ports: IntervalSet) -> Markup:
    text = ports_text(ports)
    return _cell(label, text, "ports many" if len(text) > 13 else "ports")


def _party(party: Party) -> Markup:
    name = Markup('<span class="party-name">{}</span>').format(party.title)
    addresses = people_cidrs(party.addresses)
    if len(party.hosts) > _HOSTS_IN_A_CELL or len(addresses) > _ADDRESSES_IN_A_CELL:
        return Markup('{}<br><a href="#{}">{}, {}</a>').format(
            name, party.id, _number_of_hosts(party), count(len(addresses), "entry", "entries")
        )
    items = (
        Markup('<li><span class="host">{}</span> {}</li>').format(display(host), _addresses(people_cidrs(of_host)))
        for host, of_host in party.hosts
    )
    return Markup('{}<ul class="party">{}</ul>').format(name, joined(items, ""))


def _number_of_hosts(party: Party) -> str:
    hosts = [host for host, _addresses in party.hosts if host != LITERAL_NETWORKS]
    return count(len(hosts), "host") if hosts else LITERAL_NETWORKS


def _addresses(cidrs: Iterable[str]) -> Markup:
    return joined((Markup("<code>{}</code>").format(cidr) for cidr in cidrs), " ")


def _why(flow: Flow) -> Markup:
    return Markup(
        "{}<details><summary>Why and source</summary>{}<p>{}</p>{}</details>"
    ).format(
        flow.purpose,
        Markup("<p>{}</p>").format(reason(flow)) if reason(flow) else "",
        origin(flow),
        Markup("<p>Source: {}</p>").format(_reference(flow.reference)) if flow.reference else "",
    )  # fmt: skip


def _reference(reference: str) -> Markup:
    if reference.startswith(("https://", "http://")):
        return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(reference)
    return Markup("{}").format(reference)


def address_lists(report: Report) -> Markup:
    """Every set of addresses once, with the hosts that have them."""
    return joined(_address_list(party) for party in report.parties)


def _address_list(party: Party) -> Markup:
    entries = sum(len(people_cidrs(addresses)) for _host, addresses in party.hosts)
    items = (
        Markup("<li>{} {}</li>").format(display(host), _addresses(people_cidrs(addresses)))
        for host, addresses in party.hosts
    )
    return Markup(
        '<details id="{}"{}{}><summary>{} <span>{}, {}</span></summary><ul>\n{}\n</ul></details>'
    ).format(
        party.id,
        Markup(" open") if entries <= _OPEN_ADDRESSES else "",
        Markup(" data-print") if entries <= _PRINTED_ADDRESSES else "",
        party.title,
        _number_of_hosts(party),
        count(entries, "entry", "entries"),
        joined(items),
    )  # fmt: skip


def changes_table(changes: Changes) -> Markup:
    """What changed, a line for each rule or part of one."""
    columns = ("Change", "Row", "Protocol", "From", "Source ports", "To", "Destination ports")
    lines = (_change(kind, rule) for kind, rules in changes.by_kind().items() for rule in rules)
    caption = "Of flows that were widened or narrowed, only the part that is new or gone."
    return _table("changes-table", caption, columns, lines)


def _change(kind: str, rule: Rule) -> Markup:
    source, destination = rule_cidrs(rule)
    cells = [
        _cell("Row", _row_id(rule.row)),
        _cell("Protocol", f"{rule.protocol.upper()} {rule.family.replace('ipv', 'IPv')}"),
        _cell("From", _folded(source)),
        _ports("Source ports", rule.source_ports),
        _cell("To", _folded(destination)),
        _ports("Destination ports", rule.destination_ports),
    ]
    return Markup(
        '<tr role="row"><th scope="row" role="rowheader"><span class="change {0}">{0}</span></th>{1}</tr>'
    ).format(kind, joined(cells, ""))


def _folded(cidrs: list[str]) -> Markup:
    if len(cidrs) <= _ADDRESSES_OF_A_CHANGE:
        return _addresses(cidrs)
    return Markup("<details><summary>{}</summary>{}</details>").format(some(cidrs, 2), _addresses(cidrs))


def verification_tables(verification: Verification) -> Markup:
    """The probes and their verdicts: those that failed, and then the others, folded where they are many."""
    failed = [probe for probe in verification.probes if probe.failed]
    others = [probe for probe in verification.probes if not probe.failed]
    made = f"made {display(verification.generated)}"
    parts = [_probes("verification-failed", f"Probes that failed, {made}.", failed)] if failed else []
    if others:
        table = _probes("verification-others", f"Probes that did not fail, {made}.", others)
        folded = Markup("<details><summary>{}</summary>{}</details>")
        many = len(others) > _PROBES_AT_ONCE
        parts.append(
            folded.format(count(len(others), "probe that did not fail", "probes that did not fail"), table)
            if many
            else table
        )
    return joined(parts)


def _probes(table_id: str, caption: str, probes: Iterable[Probe]) -> Markup:
    columns = ("Verdict", "Row", "From", "To", "Probe", "Detail")
    return _table(table_id, caption, columns, (_probe(probe) for probe in probes))


def verdict_summary(verification: Verification) -> str:
    """Say how many probes had which verdict."""
    counted = (f"{number:,} {_VERDICTS[verdict]}" for verdict, number in verification.counts().items())
    return f"{count(len(verification.probes), 'probe')}: {', '.join(counted) or 'none'}."


def _probe(probe: Probe) -> Markup:
    detail = "; ".join(display(part) for part in (probe.detail, probe.certificate) if part)
    cells = [
        _cell("Row", _row_id(display(probe.row))),
        _cell("From", _end(probe.source_host, probe.source, probe.source_port)),
        _cell("To", _end(probe.destination_host, probe.destination, probe.destination_port)),
        _cell("Probe", f"{display(probe.protocol).upper()}, {display(probe.probe).replace('_', ' ')}"),
        _cell("Detail", detail),
    ]
    return Markup(
        '<tr role="row"><th scope="row" role="rowheader"><span class="verdict {}">{}</span></th>{}</tr>'
    ).format(probe.verdict, _VERDICTS[probe.verdict], joined(cells, ""))


def _end(host: str, address: str, port: int | None) -> Markup:
    if not host and not address:
        return Markup("–") if port is None else Markup("port {}").format(port)
    return Markup('<span class="host">{}</span> <code>{}</code>{}').format(
        display(host), display(address), "" if port is None else f" port {port}"
    )
