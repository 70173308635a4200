# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.platforms import PLATFORMS, read_platforms
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

ACCEPTED = ", ".join(sorted(PLATFORMS))


def test_a_platform_has_its_defaults() -> None:
    chosen = read_platforms(["cisco", "paloalto", "cisco"], {"cisco": {"name": "voice"}})
    assert [one.platform.name for one in chosen] == ["cisco", "paloalto"]
    assert [one.headers() for one in chosen] == [
        (("ipv4", "voice extended"), ("ipv6", "voice-6 inet6")),
        ((None, "from-zone any to-zone any mixed"),),
    ]
    assert read_platforms((), None) == ()


@pytest.mark.parametrize(
    ("platforms", "options", "message"),
    [
        (
            ["ciscoAsa", "nsxt"],
            None,
            "port_matrix_report_platforms: platform 'ciscoAsa' is not known, the nearest is ciscoasa; "
            f"accepted: {ACCEPTED}\n"
            f"port_matrix_report_platforms: platform 'nsxt' is not known; accepted: {ACCEPTED}",
        ),
        (
            [],
            {"pix": {}},
            f"port_matrix_report_platform_options: platform 'pix' is not known; accepted: {ACCEPTED}",
        ),
        (
            [],
            {"paloalto": {"fromzone": "x"}, "proxmox": {"zone": "x"}, "cisco": {"name": "a b"}, "arista": {"name": 1}},
            "port_matrix_report_platform_options.arista.name: 1 is not a name; "
            "accepted: up to 31 letters, digits, hyphens, underscores and dots\n"
            "port_matrix_report_platform_options.cisco.name: 'a b' is not a name; "
            "accepted: up to 31 letters, digits, hyphens, underscores and dots\n"
            "port_matrix_report_platform_options.paloalto: key 'fromzone' is not known, the nearest is from_zone; "
            "accepted: from_zone, to_zone\n"
            "port_matrix_report_platform_options.proxmox: key 'zone' is not known; "
            "accepted: none, as this platform has no options",
        ),
    ],
)
def test_what_is_wrong_is_said(platforms: object, options: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_platforms(platforms, options)
    assert str(caught.value) == message
