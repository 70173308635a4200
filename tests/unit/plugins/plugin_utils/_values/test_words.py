# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.addresses import read_cidrs
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.words import (
    count,
    display,
    people_cidrs,
    some,
)


@pytest.mark.parametrize(("text", "shown"), [("a b", "a b"), ("a\nb", "a\\nb"), ("\u202ex", "\\u202ex"), ("'", "'")])
def test_what_does_not_print_is_written_out(text: str, shown: str) -> None:
    assert display(text) == shown


def test_numbers_and_lists_are_worded() -> None:
    assert (count(1, "host"), count(2000, "host"), count(2, "entry", "entries")) == (
        "1 host",
        "2,000 hosts",
        "2 entries",
    )
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdef")) == "a, b, c, d and 2 more"


def test_single_addresses_have_no_prefix_length_for_people() -> None:
    found = read_cidrs(["192.0.2.1/32", "10.0.0.0/8", "2001:db8::1/128", "2001:db8:1::/32"])
    assert people_cidrs(found) == ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
    assert people_cidrs(read_cidrs(["2001:db8::1/128", "fd00::/32"])) == ["2001:db8::1", "fd00::/32"]
