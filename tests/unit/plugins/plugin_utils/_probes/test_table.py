# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.results import Results
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.table import table_lines
from probe_result import result


def test_a_line_for_each_row_and_then_what_is_not_open() -> None:
    certificate = {"names": ["node1.example.net", "sip.example.net"], "expires": "2027-01-01"}
    nameless = {"names": [], "expires": "2026-01-01"}
    failing, accepted = result("filtered"), result("refused", detail="(accepted)", accepted=True)
    probes = (
        result("open", certificate=certificate),
        result("open", certificate=certificate, source_port=50002),
        result("open", certificate=nameless, destination_port=443),
        failing,
        accepted,
        result("not_probeable", "media_to_nodes", protocol="udp", detail="idle"),
        result("not_probeable", "media_to_nodes", protocol="udp", detail="idle"),
    )
    left = [
        {"source_host": "fe1", "row": "sip_signaling", "count": 2},
        {"source_host": "x", "row": "sip_signaling", "count": 3},
    ]
    assert table_lines(Results(probes), left) == [
        "row             protocol  open  refused  filtered  error  not probeable",
        "sip_signaling   tcp       3     1        1",
        "media_to_nodes  udp                                       2",
        "",
        "Not open, although the matrix permits it:",
        "  filtered: sip_signaling: fe1 (198.51.100.21) port 50001 to node1 (192.0.2.11) port 5061 tcp ipv4: why",
        "",
        "Not open, and accepted:",
        "  refused: sip_signaling: fe1 (198.51.100.21) port 50001 to node1 (192.0.2.11) port 5061 tcp ipv4: (accepted)",
        "",
        "Certificates:",
        "  node1 (192.0.2.11) port 5061: node1.example.net, sip.example.net, until 2027-01-01",
        "  node1 (192.0.2.11) port 443: no names, until 2026-01-01",
        "",
        "Not probeable:",
        "  media_to_nodes udp, 2 times: idle",
        "",
        "Left out, as a host has a limit of probes:",
        "  sip_signaling: 5 probes",
    ]


def test_where_nothing_was_probed_there_is_a_header() -> None:
    assert table_lines(Results(())) == ["row  protocol  open  refused  filtered  error  not probeable"]


def test_long_lists_are_cut_and_counted() -> None:
    failing = tuple(result("refused", source_port=port) for port in range(50000, 50050))
    lines = table_lines(Results(failing))
    assert lines[-1] == "  and 10 more"
    assert len(lines) == 2 + 2 + 41
