# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.words import rule_line
from example_site import example_report


def test_a_rule_is_said_in_a_line() -> None:
    assert rule_line(example_report().rules[0]) == (
        "sip_signaling: TCP from 198.51.100.21 port any to 192.0.2.11, 192.0.2.13 port 5061"
    )
