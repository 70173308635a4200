# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module returns is read strictly, and what a host does not say is said."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._observed.flows import Memory, read_answers
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from remembered import TIME, answer, flow


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"failed": True, "msg": "nft\nis missing", "flows": []}, "nft is missing"),
        ({"unreachable": True, "msg": "no route"}, "no route"),
        ({}, "it was not asked"),
        ({"failed": True, "msg": ["x"]}, "it was not asked"),
    ],
)
def test_a_host_that_says_nothing_has_a_problem(said: dict[str, t.Any], problem: str) -> None:
    memories, talks, _older = read_answers({"fw": said})
    assert (memories, talks) == ((Memory("fw", problem),), ())


def test_what_a_host_says_of_its_memory() -> None:
    memories, _talks, _older = read_answers({"fw": answer([], full=True, enforcing=True, entries=3, limit=3)})
    assert memories == (Memory("fw", "", True, True, True, 3, 3),)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hook": "prerouting"}, "host 'fw' hook: unknown value 'prerouting'"),
        ({"family": "inet"}, "host 'fw' family: unknown value 'inet'"),
        ({"protocol": "x"}, "host 'fw' protocol: unknown value 'x'"),
        ({"source": "2001:db8::1"}, "host 'fw' source: '2001:db8::1' is not an address; accepted: one address, ipv4"),
        ({"destination": "192.0.2.0/24"}, "host 'fw' destination: '192.0.2.0/24' is not an address"),
        ({"destination_port": "x"}, "host 'fw' destination_port: 'x' is not a count"),
        ({"packets": -1}, "host 'fw' packets: -1 is not a count"),
        ({"bytes": True}, "host 'fw' bytes: True is not a count"),
        ({"last_seen": "yesterday"}, "host 'fw' last_seen: 'yesterday' is not a time"),
        ({"last_seen": "2026-02-30T10:00:00Z"}, "host 'fw' last_seen: '2026-02-30T10:00:00Z' is not a time"),
    ],
)
def test_a_flow_that_is_none_is_an_error_with_its_host(changed: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_answers({"fw": answer([{**flow("192.0.2.1", "192.0.2.2", "tcp", 1), **changed}])})
    assert str(caught.value).startswith(message)


def test_times_are_compared_in_one_form() -> None:
    flows = [
        flow("192.0.2.1", "192.0.2.2", "tcp", 1, last_seen=time)
        for time in (TIME, "2026-05-04T10:00:01.5Z", "2026-05-04T09:00:00+00:00")
    ]
    _memories, (talk,), _older = read_answers({"fw": answer(flows)})
    assert talk.weights[1] == (3, 300, "2026-05-04T10:00:01Z")
