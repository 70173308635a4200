# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's site read from its systems, as the demo does it, and what the comparison with the written one notices."""

from __future__ import annotations

import copy
import subprocess
import sys
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from live_site.__main__ import listed
from live_site.comparison import compare
from live_site.systems import DEMO, FILES, systems

# All groups of rows, as extensions/lab/demo/run has them.
ROWS = {"port_matrix_row_groups": ["integration", "strict_clients", "platform", "video_endpoints", "federation"]}
Inventory = dict[str, t.Any]


@pytest.fixture(scope="module")
def inventories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inventory, Inventory, Inventory]:
    """The inventory that is read, the written one, and what of the former no system knows."""
    directory = tmp_path_factory.mktemp("live")
    with systems(directory) as env:
        live = listed(*(directory / name for name in FILES), env=env)
    written, by_hand = (listed(path, env={}) for path in (DEMO / "inventory/site.yml", directory / "written.yml"))
    return t.cast("tuple[Inventory, Inventory, Inventory]", (live, written, by_hand))


def test_what_is_read_equals_what_is_written(inventories: tuple[Inventory, Inventory, Inventory]) -> None:
    result = compare(*inventories, ROWS)
    assert result.differences == ()
    # Three nodes, the Management Node, two names of the server for DNS, TURN, two Front Ends, the Edge, and Office.
    assert result.hosts == 11
    assert result.variables == 15
    assert result.rules > 100


def hosts(inventory: Inventory) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", inventory["_meta"]["hostvars"])


def all_hosts(inventory: Inventory, name: str, value: object) -> None:
    for found in hosts(inventory).values():
        found[name] = value


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (lambda i: hosts(i)["node2"]["port_matrix_addresses"].pop(), {"node2"}),
        (lambda i: hosts(i)["edge1"]["port_matrix_interfaces"].pop("web_conferencing"), {"edge1"}),
        (lambda i: hosts(i)["trans1"].update(port_matrix_location=["core"]), {"trans1"}),
        (lambda i: hosts(i)["2001:db8:2::61"].update(port_matrix_addresses=["2001:db8:2::62"]), {"infra1"}),
        (lambda i: hosts(i)["turn1"]["pexip_sfb_sources"][0]["addresses"].append("203.0.113.42"), {"turn1"}),
        (lambda i: i["ntp_servers"]["hosts"].remove("198.18.1.61"), {"rules", "fw"}),
        (lambda i: i["sfb_front_ends"]["hosts"].remove("fe2"), {"fe2"}),
        (lambda i: i["sfb_front_ends"]["hosts"].append("outsider"), {"outsider"}),
        (lambda i: all_hosts(i, "port_matrix_ports", {"media": ["41000-49999"]}), {"rules", "fw", "turn1"}),
    ],
)  # fmt: skip
def test_a_difference_is_noticed(
    change: Callable[[Inventory], object],
    differences: set[str],
    inventories: tuple[Inventory, Inventory, Inventory],
) -> None:
    live, written, by_hand = copy.deepcopy(inventories)
    change(live)
    found = compare(live, written, by_hand, ROWS).differences
    names = {
        line.partition(":")[0].removesuffix(" differ").rpartition(" ")[2].replace("site", "rules") for line in found
    }
    assert names == differences


def test_a_command_runs_while_the_management_node_is_there(tmp_path: Path) -> None:
    """As the demo applies the port matrix once more with this inventory."""
    own = [sys.executable, "-m", "live_site", "--directory", str(tmp_path), "--"]
    command = [*own, "ansible-inventory", "-i", str(tmp_path / FILES[0]), "--host", "trans1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert "198.18.3.141" in done.stdout, done.stderr
    assert subprocess.run([*own, "sh", "-c", "exit 7"], timeout=600, check=False).returncode == 7
