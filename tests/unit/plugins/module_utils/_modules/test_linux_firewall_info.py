# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of a host. That it finds the connection and firewalld on real ones is seen in the labs."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._modules.linux_firewall_info import (
    firewalld_states,
    firewalld_version,
    service_manager,
)


def test_systemd_is_in_charge_where_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert service_manager(tmp_path / "run", tmp_path / "proc") == "systemd"


def test_otherwise_the_first_process_is(tmp_path: Path) -> None:
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("runit\n", encoding="utf-8")
    (tmp_path / "run/systemd").mkdir(parents=True)  # systemd is installed, and started nothing
    assert service_manager(tmp_path / "run", tmp_path / "proc") == "runit"
    assert service_manager(tmp_path / "run", tmp_path / "hidden") == "an unknown program"


def test_the_states_of_firewalld_are_those_of_systemd() -> None:
    shown = "ActiveState=active\nUnitFileState=enabled\nLoadState=loaded\n"
    wanted = {"load_state": "loaded", "active_state": "active", "unit_file_state": "enabled"}
    assert firewalld_states(shown) == wanted


def test_a_firewalld_that_is_not_installed_has_states_too() -> None:
    wanted = {"load_state": "not-found", "active_state": "inactive", "unit_file_state": ""}
    assert firewalld_states("LoadState=not-found\nActiveState=inactive\nUnitFileState=\n") == wanted
    assert firewalld_states("") == wanted


class Module:
    """What is used of AnsibleModule: a busctl that gives one answer, or none that could be found."""

    def __init__(self, answer: str | None) -> None:
        self._answer = answer
        self.commands: list[list[str]] = []

    def get_bin_path(self, name: str) -> str | None:
        return None if self._answer is None else f"/usr/bin/{name}"

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        self.commands.append(command)
        return 0 if self._answer else 1, self._answer or "", ""


@pytest.mark.parametrize(
    ("answer", "version"), [('s "0.9.3"\n', "0.9.3"), ('s "2.4.0~beta1"\n', "2.4.0~beta1"), ("", ""), (None, "")]
)
def test_a_firewalld_that_runs_tells_its_version(answer: str | None, version: str) -> None:
    module = Module(answer)
    assert firewalld_version(t.cast("t.Any", module)) == version
    # The bus would start a firewalld that has ended meanwhile.
    assert all("--auto-start=no" in command for command in module.commands)
