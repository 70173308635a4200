# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back of a change: what is saved beforehand brings the kernel back."""

from __future__ import annotations

import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

THEIRS = """
table inet theirs {
    set admins { type ipv4_addr; elements = { 192.0.2.9 }; }
    chain pexip_sfb_input { ip saddr 192.0.2.11 counter accept comment "sip"; }
    chain input { type filter hook input priority 5; policy drop; ct state established accept; JUMP; }
}
"""


class Module:
    """What is used of AnsibleModule, in a network namespace."""

    def __init__(self, namespace: str) -> None:
        self.inside = ["ip", "netns", "exec", namespace]

    def run_command(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        done = subprocess.run([*self.inside, *command], input=data, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def get_bin_path(self, name: str) -> str | None:
        return shutil.which(name)

    def fail_json(self, msg: str, **_result: t.Any) -> t.NoReturn:
        pytest.fail(msg)


class Unprivileged(Module):
    """The same in a container whose root is nobody on the machine."""

    def __init__(self) -> None:
        self.inside = ["unshare", "--map-root-user", "--net"]

    def fail_json(self, msg: str, **_result: t.Any) -> t.NoReturn:
        raise ModuleFailedError(msg)


class ModuleFailedError(Exception):
    """What the user is told."""


@pytest.fixture
def module(namespace: str) -> Module:
    return Module(namespace)


@pytest.mark.parametrize(
    "jump",
    [
        "jump pexip_sfb_input",
        "counter jump pexip_sfb_input",
        'tcp dport 5061 jump pexip_sfb_input comment "jump there"',
        "ip saddr @admins goto pexip_sfb_input",
    ],
)
def test_what_somebody_made_of_a_jump_is_put_back_as_well(module: Module, tmp_path: Path, jump: str) -> None:
    nft = Nft(t.cast("t.Any", module), "nft")
    nft.run("-f", "-", data=THEIRS.replace("JUMP", jump))
    there = sorted(nft.run("list", "ruleset").splitlines())
    (tmp_path / "taken_back").mkdir()
    rules = OwnedRules(nft)
    script = rules.save(tmp_path / "taken_back")
    rules.remove()
    assert sorted(nft.run("list", "ruleset").splitlines()) != there
    subprocess.run([*module.inside, "sh", "-c", script], cwd=tmp_path, check=True)
    assert sorted(nft.run("list", "ruleset").splitlines()) == there


@pytest.mark.parametrize(
    "load",
    [
        lambda nft, ruleset: nft.run("-f", "-", data=ruleset),
        lambda nft, ruleset: nft.in_scratch_namespace(ruleset, "The ruleset was not applied"),
    ],
    ids=["live", "scratch"],
)
def test_where_nft_may_not_raise_its_buffer_the_limit_and_the_way_out_are_told(
    load: t.Callable[[Nft, str], str],
) -> None:
    limit = int(Path("/proc/sys/net/core/wmem_default").read_text(encoding="utf-8"))
    # Each takes 40 bytes or more.
    ranges = [f"{1 + number // 62500}.{number // 250 % 250}.{number % 250}.0/28" for number in range(limit // 40)]
    members = f"type ipv4_addr; flags interval; elements = {{ {', '.join(ranges)} }};"
    with pytest.raises(ModuleFailedError) as failed:
        load(Nft(t.cast("t.Any", Unprivileged()), "nft"), f"table inet pexip_sfb {{ set a {{ {members} }}; }}")
    told = str(failed.value)
    assert f"Message too long. All rules go to the kernel at once, and here it takes no more than {limit} bytes" in told
    assert "Set net.core.wmem_default higher on the machine that runs the container" in told


def test_other_errors_are_told_as_they_are() -> None:
    with pytest.raises(ModuleFailedError) as failed:
        Nft(t.cast("t.Any", Unprivileged()), "nft").run("list", "table", "inet", "nobodys")
    assert str(failed.value).splitlines()[0].endswith("Error: No such file or directory")
