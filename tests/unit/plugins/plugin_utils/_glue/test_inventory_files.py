# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for inventory plugins that nobody read are found wherever Ansible looks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.inventory_files import PLUGINS, check_all_read
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An inventory folder with a file that a plugin has read, and others that are none of its files."""
    for name in (
        "read.pexip_infinity.yml", "hosts.yml", "group_vars/all.sfb_topology.yml", ".hidden.sfb_topology.yml",
        "sub/host_vars/x.sfb_topology.yml", "old.sfb_topology.yml.bak", "sfb_topology.yml/hosts",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_what_was_read_is_fine_by_whatever_way_it_is_named(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    read = [str(folder / "read.pexip_infinity.yml")]
    for source in (folder, folder.parent / "link", folder / "sub" / "..", folder / "read.pexip_infinity.yml"):
        check_all_read([str(source)], read)


@pytest.mark.parametrize("name", ["a.sfb_topology.yml", "a.pexip_infinity.yaml", "sub/deeper/sfb_topology.yaml"])
def test_what_was_not_read_is_an_error(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    for source in (folder, folder / name):
        with pytest.raises(PortMatrixError) as raised:
            check_all_read(["localhost,", str(source)], [str(folder / "read.pexip_infinity.yml")])
        assert str(raised.value) == (
            f"inventory file {folder / name}: could not be read, so its hosts are missing. A warning at the start says "
            "why; accepted: a file whose system can be read, or a run without this file"
        )


def test_a_file_that_is_not_there_was_not_read() -> None:
    with pytest.raises(PortMatrixError, match=r"^inventory file /none/a\.pexip_infinity\.yml: could not be read"):
        check_all_read(["/none/a.pexip_infinity.yml"], [])


def test_every_inventory_plugin_is_known() -> None:
    plugins = Path(__file__).parents[5] / "plugins/inventory"
    assert sorted(PLUGINS) == sorted(path.stem for path in plugins.glob("*.py"))
