# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random sites and random flows: a proposal permits what it is for, nothing more unless it says so, and no scan."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_transit
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.rows import Row
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.observation import Observation
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.variables import Variables
from hypothesis import event, given, settings
from hypothesis import strategies as st
from observed_site import applied, observed
from packet_proof import oracle
from random_sites import ENDPOINTS, GATEWAY, Case, cases, drawn_packets, expected_rows, matching_rows
from remembered import flow

SCANNER = "203.0.113.250"
STRANGERS = ["10.99.0.1", "10.99.0.2", "2001:db8:99::1", "198.51.100.7", *(f"10.98.0.{n}" for n in range(1, 12))]


def _variables(case: Case) -> Variables:
    own = {name.removeprefix("port_matrix_"): value for name, value in case.variables.items()}
    return Variables(case.hostvars, case.groups, allow_empty=ENDPOINTS, **own)


@st.composite
def _seen(draw: st.DrawFn, case: Case, packets: list[oracle.Packet]) -> list[oracle.Packet]:
    """Packets near the rows of the site, some of them with a stranger at one end."""
    seen = []
    for packet in packets:
        stranger = ipaddress.ip_address(draw(st.sampled_from(STRANGERS)))
        end = draw(st.sampled_from(["", "", "source", "destination"]))
        seen.append(replace(packet, **{end: stranger}) if end and stranger.version == packet.source.version else packet)
    return seen


def _flows(packets: list[oracle.Packet]) -> list[t.Any]:
    return [flow(str(p.source), str(p.destination), p.protocol, p.destination_port) for p in packets]


def _is_said(site: Site, row_id: str, packet: oracle.Packet, observation: Observation) -> bool:
    """Whether the proposal says that *row_id* permits more than was seen, and this packet is of that kind."""
    proposal = observation.proposal
    row: Row = next(row for row in site.rows if row.id == row_id)
    if row.group in proposal.switches or row.id in proposal.switches:
        return True
    ends = [int(packet.source), int(packet.destination)]
    family = f"ipv{packet.source.version}"
    if any(
        one.endpoint in row.endpoints() and any(one.has(t.cast("t.Any", family), end) for end in ends)
        for one in proposal.additions
    ):
        return True
    return any(one.row["id"] == row_id and one.wider for one in proposal.rows)


@settings(max_examples=15)
@given(st.data())
def test_a_proposal_permits_what_it_is_for_and_nothing_else_unless_it_says_so(data: st.DataObject) -> None:
    case = data.draw(cases())
    packets = data.draw(_seen(case, drawn_packets(data, case, GATEWAY)))
    flows = _flows(packets)
    scan = [flow(SCANNER, str(p.destination), p.protocol, port) for p in packets[:1] for port in range(7000, 7030)]
    scan = [one for one in scan if one["family"] == "ipv4" and ":" not in one["destination"]]
    before = _variables(case)
    observation = observed([*flows, *scan], before, GATEWAY)
    after = applied(observation)
    for finding in observation.findings:
        event(finding.reason.kind)
    again = observed([*flows, *scan], after, GATEWAY)
    assert {one.reason.kind for one in again.findings} <= {"scan", "unknown"}
    assert len([one for one in again.findings if one.reason.kind == "scan"]) == bool(scan)

    site = after.site()
    old, new = expand_transit(before.site(), GATEWAY), expand_transit(site, GATEWAY)
    seen = {(one["source"], one["destination"], one["protocol"], one["destination_port"]) for one in flows}
    tried = [*packets, *(replace(p, source=q.source) for p in packets for q in packets)]
    tried += [replace(p, destination_port=q.destination_port, protocol=q.protocol) for p in packets for q in packets]
    for packet in tried:
        if matching_rows(old, packet):
            continue
        what = (str(packet.source), str(packet.destination), packet.protocol, packet.destination_port)
        for row in matching_rows(new, packet):
            event("permitted now")
            assert what in seen or _is_said(site, row, packet, observation)
        assert not matching_rows(new, replace(packet, source=ipaddress.ip_address(SCANNER)))


@settings(max_examples=15)
@given(st.data())
def test_nothing_is_said_of_what_the_oracle_permits_and_something_of_everything_else(data: st.DataObject) -> None:
    case = data.draw(cases())
    for packet in drawn_packets(data, case, GATEWAY):
        observation = observed(_flows([packet]), _variables(case), GATEWAY)
        permitted = bool(expected_rows(case, packet, GATEWAY, None, None))
        kinds = {(one.reason.kind, one.reason.differs_in) for one in observation.findings}
        if permitted:
            assert kinds <= {("unknown", ("source port",))}
        elif not kinds:
            # It came from a port that no row has, and others of the same flow may have come from any.
            other = [replace(packet, source_port=port) for port in (1, 1023, 49152, 65535)]
            assert all(expected_rows(case, one, GATEWAY, None, None) for one in other)
