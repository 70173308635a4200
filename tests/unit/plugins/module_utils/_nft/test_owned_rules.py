# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What releases of nft print of one ruleset, recorded: that of Debian 11, 12 and 13.

``recorded/ruleset.nft`` was loaded into a network namespace there, and each command run whose output is in the file of
the release. It has what their JSON lacks or has in another way: a dormant table, ``typeof``, comments, maps.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_rules import (
    Join,
    Jump,
    Outline,
    obstacle,
    read,
    removing,
)

RECORDED = sorted(Path(__file__).parent.joinpath("recorded").glob("nft-*.txt"))
JUMPS = [
    Jump("filter", "input", 12, "pexip_sfb_input", plain=False, leads=False),
    Jump("filter", "transit", 15, "pexip_sfb_forward", plain=True, leads=True),
]
REMOVING = """\
table inet pexip_sfb
delete table inet pexip_sfb
delete rule inet filter input handle 12
delete rule inet filter transit handle 15
flush chain inet filter pexip_sfb_input
flush chain inet filter pexip_sfb_forward
delete chain inet filter pexip_sfb_forward
delete chain inet filter pexip_sfb_input
delete set inet filter pexip_sfb_nodes
"""


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def outline(request: pytest.FixtureRequest) -> Outline:
    text = request.param.read_text("utf-8")
    printed = dict(entry.split("\n", 1) for entry in text.removeprefix("$ nft ").split("\n$ nft "))
    return read(lambda *arguments: printed[" ".join(arguments)])


def test_there_are_three_releases() -> None:
    assert [path.stem for path in RECORDED] == ["nft-0.9.8", "nft-1.0.6", "nft-1.1.3"]


def test_each_release_names_the_same_as_ours(outline: Outline) -> None:
    assert outline.tables() == ["filter", "pexip_sfb"]
    assert outline.jumps == JUMPS
    assert removing(outline) == REMOVING


def test_our_sets_stay_where_they_are_wanted(outline: Outline) -> None:
    assert removing(outline, keep="filter") == REMOVING.replace("delete set inet filter pexip_sfb_nodes\n", "")
    assert removing(outline, keep="pexip_sfb").splitlines() == [
        *REMOVING.splitlines()[2:6],
        "flush chain inet pexip_sfb input",
        *REMOVING.splitlines()[6:8],
        "delete chain inet pexip_sfb input",
        *REMOVING.splitlines()[8:],
    ]


def test_each_release_has_the_hooks(outline: Outline) -> None:
    assert obstacle(Join("filter", "transit", "forward"), outline) == ""
    assert obstacle(Join("filter", "plain", "input"), outline) == (
        "chain plain of the table inet filter is not there; accepted: table and chain of the family inet with hook "
        "input: filter input, firewalld filter_INPUT"
    )


def test_each_release_has_the_counters(outline: Outline) -> None:
    (rule,) = outline.rules["filter", "pexip_sfb_input"]
    assert rule["comment"] == "sip"
    assert {"counter": {"packets": 12, "bytes": 720}} in rule["expr"]
