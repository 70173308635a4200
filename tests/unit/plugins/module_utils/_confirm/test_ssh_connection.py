# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.ssh_connection import ssh_connection


def _process(proc: Path, number: int, name: str, parent: int, start: int) -> None:
    (proc / str(number)).mkdir()
    text = f"{number} ({name}) S {parent} " + " ".join("7" for _field in range(17)) + f" {start} 5 6\n"
    (proc / str(number) / "stat").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("server", ["sshd", "sshd-session"])
def test_the_server_s_process_for_the_connection(tmp_path: Path, server: str) -> None:
    _process(tmp_path, 1, "systemd", 0, 1)
    _process(tmp_path, 10, server, 1, 100)  # listens
    _process(tmp_path, 20, server, 10, 200)
    _process(tmp_path, 21, server, 20, 300)  # the user's
    _process(tmp_path, 30, "sudo", 21, 400)
    _process(tmp_path, 31, "a (strange) name", 30, 500)
    assert ssh_connection(31, tmp_path) == "21 300"


def test_no_server(tmp_path: Path) -> None:
    _process(tmp_path, 1, "systemd", 0, 1)
    _process(tmp_path, 30, "python3", 1, 400)
    assert ssh_connection(30, tmp_path) == ""
    assert ssh_connection(99, tmp_path) == ""
