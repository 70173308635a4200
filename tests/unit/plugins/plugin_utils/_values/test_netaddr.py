# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import netaddr
import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import filters
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values import netaddr as found


def test_with_the_library_there_is_nothing_to_say() -> None:
    assert found.netaddr is netaddr
    assert found.MISSING == ""


def test_without_the_library_the_module_loads_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netaddr", None)
    loaded: dict[str, t.Any] = {}
    exec(compile(Path(found.__file__).read_text(encoding="utf-8"), found.__file__, "exec"), loaded)
    assert loaded["netaddr"] is None
    assert f"{sys.executable} -m pip install netaddr" in loaded["MISSING"]


def test_without_the_library_every_filter_says_so_before_it_does_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "MISSING", "netaddr is missing")
    with pytest.raises(AnsibleFilterError, match=r"^uc_firewall.pexip_sfb.never: netaddr is missing$"):
        filters.as_filter("never")(lambda: pytest.fail("the filter ran"))()
