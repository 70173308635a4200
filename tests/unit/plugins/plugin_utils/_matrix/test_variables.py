# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.variables import (
    GROUPS,
    VARIABLES_OF_ROLES,
    check_names,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

TOP = Path(__file__).parents[5]


def test_the_names_are_those_of_the_roles() -> None:
    specifications = sorted((TOP / "roles").glob("*/meta/argument_specs.yml"))
    read = [
        yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"] for path in specifications
    ]
    assert {name for options in read for name in options} == VARIABLES_OF_ROLES


def test_names_of_ours_and_of_others_are_fine() -> None:
    variables = {
        "h": ["port_matrix_view", "linux_firewall_state", "ansible_host", "my_port_matrix_views", "port_matrix"]
    }
    check_names(
        variables, ["port_matrix_site", "windows_firewall_state", "x"], [*GROUPS, "sfb_edges", "port_matrix_linux_2"]
    )


@pytest.mark.parametrize(
    ("variables", "elsewhere", "groups", "message"),
    [
        (
            {"a": ["port_matrix_adresses"], "b": []},
            [],
            [],
            "port_matrix_adresses (of 'a'): is not a variable of this collection; "
            "accepted: port_matrix_addresses, which is the nearest name",
        ),
        (
            {host: ["linux_firewall_egres"] for host in "fedcba"},
            ["linux_firewall_egres"],
            [],
            "linux_firewall_egres (of 'f', 'e', 'd', 'c' and 2 more): is not a variable of this collection; "
            "accepted: linux_firewall_egress, which is the nearest name",
        ),
        (
            {},
            ["windows_firewall_stat"],
            [],
            "windows_firewall_stat: is not a variable of this collection; "
            "accepted: windows_firewall_state, which is the nearest name",
        ),
        (
            {"a": ["port_matrix_\nq8w7e6r5t4z3u2i1o0"]},
            [],
            [],
            "port_matrix_\\nq8w7e6r5t4z3u2i1o0 (of 'a'): "
            "is not a variable of this collection; accepted: one that it has",
        ),
        (
            {},
            [],
            ["port_matrix_gateway", "port_matrix_linux", "port_matrix_linux_oslo"],
            "group 'port_matrix_gateway': is not known, and there is no group port_matrix_gateways; "
            "accepted: port_matrix_gateways",
        ),
    ],
    ids=["of a host", "of many", "elsewhere", "unlike any", "a group"],
)
def test_a_name_with_a_typing_error_is_refused_with_the_nearest(
    variables: dict[str, list[str]], elsewhere: list[str], groups: list[str], message: str
) -> None:
    with pytest.raises(PortMatrixError) as caught:
        check_names(variables, elsewhere, groups)
    assert str(caught.value) == message
