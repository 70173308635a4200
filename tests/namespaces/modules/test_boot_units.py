# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit of the role and the module that starts it, in a network namespace and without a systemd."""

from __future__ import annotations

import inspect
import shutil
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft import owned_rules
from module_host import ModuleHost

pytestmark = pytest.mark.controller  # templates are Ansible's

UNIT = "pexip-sfb-firewall.service"
TEMPLATES = Path(__file__).parents[3] / "roles/linux_firewall/templates"
OURS = """table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {
    chain input { type filter hook input priority filter; policy accept; tcp dport 5061 counter accept; }
}
"""
THEIRS = "table inet theirs { chain input { type filter hook input priority filter; policy accept; }; }\n"
JOINED = """table inet theirs {
    chain pexip_sfb_input { tcp dport 5061 counter accept; }
}
insert rule inet theirs input jump pexip_sfb_input
"""

# Starts a unit as systemd does, by its ExecStart. *meanwhile* comes right before that.
_SYSTEMCTL = """#!{python}
import shlex, subprocess, sys
from pathlib import Path
if sys.argv[1] == "show":
    print("inactive")
elif sys.argv[1] == "start":
    text = Path({directory!r}, sys.argv[-1]).read_text().replace("\\\\\\n", " ")
    subprocess.run({meanwhile!r}, shell=True, check=True)
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    subprocess.run(shlex.split(command.partition("=")[2]), check=True)
"""


def _rendered(source: str, variables: dict[str, t.Any]) -> str:
    """Render a template as Ansible does. Its Python is not that of the host, where this file is read as well."""
    import jinja2
    from ansible.plugins.filter.core import comment

    environment = jinja2.Environment(trim_blocks=True)
    environment.filters["comment"] = comment
    return environment.from_string(source).render(variables)


class Host:
    """A host whose kernel has the rules, and whose role is about to start the unit for the first time."""

    def __init__(self, namespace: str, directory: Path, monkeypatch: pytest.MonkeyPatch, joined: bool) -> None:
        self._units = ModuleHost(namespace, "boot_units")
        self._directory = directory
        self._in_place = directory / "in_place"
        ruleset = directory / "etc/ruleset.nft"
        ruleset.parent.mkdir()
        ruleset.write_text(JOINED if joined else OURS, encoding="utf-8")
        program = directory / "etc/join.py"
        program.write_text(inspect.getsource(owned_rules), encoding="utf-8")
        variables = {
            "ansible_managed": "Ansible managed",
            "linux_firewall_join": {"table": "theirs"} if joined else {},
            "__linux_firewall_nft": shutil.which("nft"),
            "__linux_firewall_python": sys.executable,
            "__linux_firewall_join_program": program,
            "__linux_firewall_ruleset_file": ruleset,
            "__linux_firewall_in_place": self._in_place,
            "__linux_firewall_unit": UNIT,
            "__linux_firewall_wanted_by": {UNIT: []},
            "__linux_firewall_loader": "nftables.service",
        }
        source = (TEMPLATES / f"{UNIT}.j2").read_text(encoding="utf-8")
        self._content = _rendered(source, variables)
        self.systemctl("true")
        monkeypatch.setenv("PATH", str(directory / "bin"), prepend=":")
        self.nft("-f", "-", text=THEIRS)
        self.nft("-f", "-", text=JOINED if joined else OURS)

    def systemctl(self, meanwhile: str) -> None:
        """Have *meanwhile* happen between the file and the start of the unit."""
        path = self._directory / "bin/systemctl"
        path.parent.mkdir(exist_ok=True)
        text = _SYSTEMCTL.format(python=sys.executable, directory=str(self._directory), meanwhile=meanwhile)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def start(self) -> None:
        """Do what the role does after an apply."""
        unit = {"name": UNIT, "content": self._content, "started": True, "in_place": str(self._in_place)}
        directories = {"directory": str(self._directory / "etc"), "unit_directory": str(self._directory)}
        result = self._units.module(units=[unit], **directories)
        assert (result["failed"], result["changed"]) == (False, True), result
        assert not self._in_place.exists()

    def start_by_hand(self) -> None:
        self._units.run("systemctl", "start", UNIT)

    def nft(self, *arguments: str, text: str | None = None) -> str:
        return self._units.nft(*arguments, text=text)

    def handles(self) -> str:
        """What is in the kernel, with numbers that are never used again."""
        return self.nft("-a", "list", "ruleset")


@pytest.fixture(params=[False, True], ids=["table of our own", "joined"])
def joined(request: pytest.FixtureRequest) -> bool:
    return t.cast(bool, request.param)


@pytest.fixture
def host(namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joined: bool) -> Host:
    return Host(namespace, tmp_path, monkeypatch, joined)


def test_the_first_start_leaves_what_was_just_put_into_the_kernel(host: Host) -> None:
    before = host.handles()
    host.start()
    assert host.handles() == before


def test_a_start_by_anybody_else_loads_the_rules(host: Host) -> None:
    host.start()
    before, listed = host.handles(), host.nft("list", "ruleset")
    host.start_by_hand()
    assert host.handles() != before
    assert host.nft("list", "ruleset") == listed


def test_what_somebody_took_away_before_the_first_start_is_loaded(host: Host, joined: bool) -> None:
    listed = host.nft("list", "ruleset")
    again = f"nft -f - <<'END'\n{THEIRS}END\n"  # as the service does that loads that table
    host.systemctl(f"nft flush ruleset; {again}")
    host.start()
    assert host.nft("list", "ruleset").split() == listed.split()
