# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.progress import batches


def probe(host: str = "node1", port: int = 5061, row: str = "sip") -> dict[str, t.Any]:
    return {
        "row": row,
        "destination_host": host,
        "destination": "192.0.2.11",
        "destination_port": port,
        "protocol": "tcp",
    }


def test_each_batch_says_what_and_how_many_are_left() -> None:
    probes = [probe(f"node{number}") for number in range(5)]
    assert list(batches(probes, 4)) == [
        (
            probes[:4],
            "probing 1 to 4 of 5, 1 left: "
            "sip to node0 tcp 5061, sip to node1 tcp 5061, sip to node2 tcp 5061 and 1 more",
        ),
        (probes[4:], "probing 5 to 5 of 5, 0 left: sip to node4 tcp 5061"),
    ]


def test_equal_ones_are_named_once() -> None:
    ((_part, line),) = batches([probe(), probe()], 10)
    assert line == "probing 1 to 2 of 2, 0 left: sip to node1 tcp 5061"


def test_a_probe_of_a_user_without_names() -> None:
    ((_part, line),) = batches([{"destination": "192.0.2.11", "destination_port": 443, "protocol": "tcp"}], 10)
    assert line.endswith("0 left: 192.0.2.11 tcp 443")


def test_nothing_of_a_name_reaches_the_terminal_as_it_is() -> None:
    ((_part, line),) = batches([probe("\x1b[2Jnode\n")], 10)
    assert line.isprintable()
    assert "\\x1b[2Jnode\\n" in line


def test_no_probes_no_batches() -> None:
    assert list(batches([], 10)) == []
