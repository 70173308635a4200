# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.linux_host import (
    check_extra_rules,
    permissions_of,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.extra import parse_extra_rules
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.permissions import Permissions
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import example_site

SITE = example_site()
SSH = [{"name": "ssh", "protocol": "tcp", "destination_ports": 22}]


def test_a_host_lets_through_what_its_rows_and_its_extra_rules_permit() -> None:
    hooks = ("input", "output")
    assert permissions_of(SITE, "node1", egress=True, management=SSH, extra_rules=[]) == Permissions(
        hooks, expand(SITE, "node1", hooks), parse_extra_rules(SSH, "")
    )


def test_a_gateway_has_the_rules_of_transit_alone() -> None:
    assert permissions_of(SITE, "fw", gateway=True) == Permissions(("forward",), expand(SITE, "fw", ["forward"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gateway": "perhaps"}, "gateway: 'perhaps' is"),
        ({"egress": 5}, "linux_firewall_egress: 5 is"),
        ({"management": "ssh"}, "linux_firewall_management: 'ssh' is"),
        ({"extra_rules": [{"name": "ssh"}]}, "linux_firewall_extra_rules: "),
    ],
)
def test_a_wrong_option_is_named_as_the_role_names_it(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError, match=f"^{message}"):
        permissions_of(SITE, "node1", **options)


def test_what_is_wrong_with_rules_of_many_hosts_is_said_once() -> None:
    wrong = {"linux_firewall_extra_rules": [{"name": "ntp", "protocol": "ntp"}]}
    other = {"linux_firewall_management": "ssh"}
    with pytest.raises(PortMatrixError) as caught:
        check_extra_rules({"fw": {"linux_firewall_management": SSH}, "a": wrong, "b": {**wrong, **other}, "c": {}})
    assert [line.partition("; accepted")[0] for line in str(caught.value).splitlines()] == [
        "hosts 'a', 'b': linux_firewall_extra_rules ntp protocol: unknown value 'ntp'",
        "host 'b': linux_firewall_management: 'ssh' is not a mapping",
    ]


def test_rules_that_are_right_are_no_problem() -> None:
    check_extra_rules({"fw": {"linux_firewall_management": SSH}, "a": {}})
