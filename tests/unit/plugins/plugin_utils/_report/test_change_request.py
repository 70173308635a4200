# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.change_request import (
    FIELDS,
    read_change_request,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

WHOLE = {
    "ticket": "CHG-4711",
    "requester": "UC team",
    "owner": "A. Person",
    "approver": "B. Person",
    "valid_from": "2027-01-01",
    "valid_until": "2027-12-31",
    "reason": "A new location",
    "risk": "Low",
    "test_plan": "1. Call\n2. Share",
    "backout_plan": "Load the backup",
}


@pytest.mark.parametrize("value", [WHOLE, json.dumps(WHOLE)])
def test_a_change_request_is_read_and_written(value: object) -> None:
    change = read_change_request(value, "W")
    assert change is not None
    assert change.as_mapping() == WHOLE
    assert change.valid_until == datetime.date(2027, 12, 31)
    assert tuple(WHOLE) == FIELDS


@pytest.mark.parametrize("value", [None, {}, ""])
def test_none_is_none(value: object) -> None:
    assert read_change_request(value, "W") is None


def test_a_part_is_enough() -> None:
    change = read_change_request({"ticket": "1", "test_plan": ["a", "b"]}, "W")
    assert change is not None
    assert change.as_mapping() == {**dict.fromkeys(WHOLE, ""), "ticket": "1", "test_plan": "a\nb"}


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ("CHG-4711", ["W: 'CHG-4711' is not a mapping; accepted: a mapping"]),
        (
            {"tiket": "1", "valid_from": "now", "owner": "a\x1bb"},
            [
                f"W: key 'tiket' is not known, the nearest is ticket; accepted: {', '.join(sorted(FIELDS))}",
                "W.valid_from: 'now' is not a day; accepted: one such as 2027-03-31",
                "W.owner: 'a\\x1bb' holds a control character; accepted: one line of text",
            ],
        ),
        (
            {"valid_from": "2027-03-02", "valid_until": "2027-03-01"},
            ["W.valid_until: 2027-03-01 is before valid_from, 2027-03-02; accepted: a later day"],
        ),
    ],
)
def test_what_is_wrong_is_said_all_at_once(value: object, messages: list[str]) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_change_request(value, "W")
    assert str(caught.value).splitlines() == messages
