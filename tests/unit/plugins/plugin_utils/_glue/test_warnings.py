# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import warnings


def test_warnings_and_notes_are_what_ansible_shows_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    display = SimpleNamespace(warning=lambda text: shown.append(f"warning {text}"), display=shown.append)
    monkeypatch.setattr(warnings, "Display", lambda: display)
    warnings.warn(["a", "b"])
    warnings.say(["c"])
    assert shown == ["warning a", "warning b", "c"]
