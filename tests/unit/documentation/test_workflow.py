# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflow for a server that nobody has run it on yet: what can be known of it without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3]
WORKFLOW = ".github/workflows/ci.yml"


def text(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [WORKFLOW, "docs/windows-testing.md"])
def test_ansible_test_finds_the_inventory_of_the_windows_servers(name: str) -> None:
    """It looks for its default file, and for any other that it is given, from tests/integration on."""
    commands = re.findall(r"^ *ansible-test windows-integration\b.*$", text(name), re.MULTILINE)
    assert len(commands) == 1
    assert re.findall(r"--inventory[ =](\S*/\S*)", commands[0]) == []
    assert "tests/integration/inventory.winrm\n" in text(name).replace(" #", "\n")
