# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of an nft that crashes. What a real one does: tests/namespaces, and tests/versions for 0.9.8."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft


class EndError(Exception):
    """The module ended."""


class Module:
    """What is used of AnsibleModule; each program ends with *rc*."""

    def __init__(self, rc: int, err: str) -> None:
        self._result = rc, "", err

    def get_bin_path(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run_command(self, _command: list[str], data: str) -> tuple[int, str, str]:
        return self._result

    def fail_json(self, msg: str) -> t.NoReturn:
        raise EndError(msg)


@pytest.mark.parametrize(
    ("rc", "err", "said"),
    [
        (1, "syntax error\n", "Nothing was changed: nft did not take it in a scratch network namespace: syntax error"),
        (
            139,
            "Segmentation fault\n",
            "nft itself crashed. nft 0.9.8 does so where rules join a table of others; accept",
        ),
    ],
)
def test_why_a_ruleset_was_not_taken(rc: int, err: str, said: str) -> None:
    nft = Nft(t.cast("t.Any", Module(rc, err)), "/usr/sbin/nft")
    with pytest.raises(EndError) as ended:
        nft.in_scratch_namespace("table inet x { }", "Nothing was changed")
    assert said in str(ended.value)
