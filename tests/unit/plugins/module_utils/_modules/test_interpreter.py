# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which name the Python of a module is written into a unit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules import interpreter


def test_python_has_a_name_that_outlives_an_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.11").touch()
    (tmp_path / "python3").symlink_to("python3.11")
    monkeypatch.setattr(interpreter, "_PYTHON", str(tmp_path / "python3"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3.11"))
    assert interpreter.stable_python() == str(tmp_path / "python3")
    monkeypatch.setattr(sys, "executable", "/opt/python/bin/python3.13")
    assert interpreter.stable_python() == "/opt/python/bin/python3.13"
