# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld import reload
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._firewalld.reload import put_back, save

pytestmark = pytest.mark.operating_system

POLICY = '<policy><rule><source ipset="pexip_sfb_a"/><destination ipset="{}"/><accept/></rule></policy>'
OURS = {
    "ipsets/pexip_sfb_a.xml": "<ipset>a</ipset>",
    "ipsets/pexip_sfb_b.xml": "<ipset>b</ipset>",
    "policies/pexip_sfb_input.xml": POLICY.format("pexip_sfb_b"),
}
THEIRS = {"ipsets/other.xml": "<ipset/>", "policies/mine.xml": "<policy/>"}


def _write(configuration: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (configuration / name).parent.mkdir(parents=True, exist_ok=True)
        (configuration / name).write_text(content, encoding="utf-8")


def _read(configuration: Path) -> dict[str, str]:
    return {
        str(path.relative_to(configuration)): path.read_text(encoding="utf-8")
        for path in configuration.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    _write(tmp_path / "etc", {**OURS, **THEIRS})
    (tmp_path / "saved").mkdir()
    return tmp_path / "etc"


def test_ours_is_what_it_was_and_others_are_left_alone(configuration: Path, tmp_path: Path) -> None:
    save(tmp_path / "saved", "pexip_sfb_", configuration)
    _write(
        configuration,
        {
            "ipsets/pexip_sfb_a.xml": "<ipset>other</ipset>",
            "ipsets/pexip_sfb_new.xml": "<ipset/>",
            "policies/pexip_sfb_new.xml": "<policy/>",
            "policies/mine.xml": "<policy>changed meanwhile</policy>",
        },
    )
    (configuration / "ipsets/pexip_sfb_b.xml").unlink()
    put_back(tmp_path / "saved", "pexip_sfb_", configuration)
    assert _read(configuration) == {**OURS, **THEIRS, "policies/mine.xml": "<policy>changed meanwhile</policy>"}


def test_nothing_was_there_on_a_first_run(tmp_path: Path) -> None:
    _write(tmp_path / "etc", THEIRS)
    (tmp_path / "saved").mkdir()
    save(tmp_path / "saved", "pexip_sfb_", tmp_path / "etc")
    _write(tmp_path / "etc", OURS)
    put_back(tmp_path / "saved", "pexip_sfb_", tmp_path / "etc")
    assert _read(tmp_path / "etc") == THEIRS


def test_a_policy_whose_ipset_is_gone_is_not_put_back(configuration: Path, tmp_path: Path) -> None:
    (configuration / "ipsets/pexip_sfb_b.xml").unlink()
    save(tmp_path / "saved", "pexip_sfb_", configuration)
    put_back(tmp_path / "saved", "pexip_sfb_", configuration)
    assert _read(configuration) == {"ipsets/pexip_sfb_a.xml": OURS["ipsets/pexip_sfb_a.xml"], **THEIRS}


DBUS = """
class connection:
    class Connection:
        def call_blocking(self, *arguments, timeout=25.0):
            print(*arguments, timeout)
"""
CLIENT = """
import dbus
class FirewallClient:
    def __getattr__(self, name):
        return lambda *arguments: dbus.connection.Connection().call_blocking(name) or []
"""


def test_the_program_waits_as_long_for_firewalld_as_the_module_does(tmp_path: Path) -> None:
    # With an __init__.py, or the real one of a machine that has firewalld would come first.
    library = {"dbus.py": DBUS, "firewall/__init__.py": "", "firewall/client.py": CLIENT}
    _write(tmp_path / "library", library)
    for kind in reload.KINDS:
        (tmp_path / "saved" / kind).mkdir(parents=True)
    command = [sys.executable, str(reload.__file__), str(tmp_path / "saved"), "pexip_sfb_of_no_host_"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "library")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "reload 300.0\n" in done.stdout, done.stderr
