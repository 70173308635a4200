# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back of a change: what is saved beforehand brings the kernel back."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.owned_tables import owned
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._nft.program import Nft, OwnedRules

from .nft_host import NftHost

THEIRS = """
table inet theirs {
    set admins { type ipv4_addr; elements = { 192.0.2.9 }; }
    chain pexip_sfb_input { ip saddr 192.0.2.11 counter accept comment "sip"; }
    chain input { type filter hook input priority 5; policy drop; ct state established accept; JUMP; }
}
"""


class Unprivileged(NftHost):
    """A host in a container whose root is nobody on the machine; its scratch namespaces are in there, too."""

    def __init__(self) -> None:
        self.rules = OwnedRules(Nft(t.cast("t.Any", self), "nft"))

    def run_command(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        inside = ["unshare", "--map-root-user", "--net", *command]
        done = subprocess.run(inside, input=data, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def fail_json(self, msg: str, **_result: t.Any) -> t.NoReturn:
        raise ModuleFailedError(msg)


class ModuleFailedError(Exception):
    """What the user is told."""


@pytest.fixture
def host(namespace: str) -> NftHost:
    return NftHost(namespace)


def test_what_is_in_a_set_for_a_time_comes_back_for_the_rest_of_it(host: NftHost, tmp_path: Path) -> None:
    element = "elements = { tcp timeout 1d expires 23h }"
    host.nft(
        "-f", "-", data=f"table inet pexip_sfb {{ set older {{ type inet_proto; flags timeout; {element}; }}; }}\n"
    )
    way_back = host.rules.save(tmp_path)
    host.nft("flush", "set", "inet", "pexip_sfb", "older")
    (tmp_path / "taken_back").symlink_to(tmp_path)
    host.run("sh", "-c", f"cd {tmp_path} && {way_back}")
    assert re.search(r"tcp timeout 1d expires 2[23]h", host.nft("list", "set", "inet", "pexip_sfb", "older"))


@pytest.mark.parametrize(
    "jump",
    [
        "jump pexip_sfb_input",
        "counter jump pexip_sfb_input",
        'tcp dport 5061 jump pexip_sfb_input comment "jump there"',
        'jump pexip_sfb_input comment "B\udcfcro"',
        "counter packets 7 bytes 420 jump pexip_sfb_input; ip saddr 192.0.2.9 counter jump pexip_sfb_input",
        "ip saddr @admins goto pexip_sfb_input",
    ],
)
def test_what_somebody_made_of_a_jump_is_put_back_as_well(host: NftHost, tmp_path: Path, jump: str) -> None:
    host.nft("-f", "-", data=THEIRS.replace("JUMP", jump))
    there = sorted(host.ruleset().splitlines())
    (tmp_path / "taken_back").mkdir()
    script = host.rules.save(tmp_path / "taken_back")
    host.rules.remove()
    assert sorted(host.ruleset().splitlines()) != there
    subprocess.run([*host.inside, "sh", "-c", script], cwd=tmp_path, check=True)
    assert sorted(host.ruleset().splitlines()) == there


# What looks like the chain with the jump in it, and how it goes on.
FAKE = "x\n\tchain input {\n\t\taccept # handle HANDLE\n"
AMONG = """
table inet theirs {
    TABLE
    chain pexip_sfb_input { accept; }
    chain other { accept OTHER; }
    chain input { type filter hook input priority 5; CHAIN
        accept BEFORE
        JUMP
        accept RULE
    }
}
"""


@pytest.mark.parametrize(
    ("place", "comment", "clear"),
    [
        ("TABLE", FAKE, True),
        ("CHAIN", FAKE, False),
        ("OTHER", FAKE, True),
        ("OTHER", f"{FAKE}\t}}\n\n\tchain y {{\n", False),
        ("RULE", f"x # handle 9\n{FAKE}", False),
        ("BEFORE", "x # handle EARLIER\n\t\taccept", False),
    ],
)
@pytest.mark.parametrize("jump", ["jump pexip_sfb_input", "tcp dport 5061 jump pexip_sfb_input"])
def test_no_comment_of_others_gets_into_what_is_put_back(
    host: NftHost, tmp_path: Path, place: str, comment: str, clear: bool, jump: str
) -> None:
    ruleset = AMONG.replace("JUMP", jump).replace(place, f'comment "{comment}"')
    for other in {"TABLE", "CHAIN", "OTHER", "BEFORE", "RULE"} - {place}:
        ruleset = ruleset.replace(other, "")
    host.load(ruleset.replace("HANDLE", "99"))
    (found,) = host.outline().jumps
    host.load(ruleset.replace("HANDLE", str(found.handle)).replace("EARLIER", str(found.handle - 1)))
    if clear or found.plain:
        host.rules.save(tmp_path)
        inserts = [line for line in (tmp_path / "joined.nft").read_text().splitlines() if line.startswith("insert")]
        assert inserts == [f"insert rule inet theirs input {jump}"]
    else:
        with pytest.raises(pytest.fail.Exception, match="text of a chain does not say where its rules end"):
            host.rules.save(tmp_path)
        assert list(tmp_path.iterdir()) == []
    host.rules.remove()
    assert "pexip_sfb" not in host.ruleset()


def test_a_table_of_ours_that_somebody_switched_off_is_read(host: NftHost) -> None:
    """For a table with flags, nft up to 1.0.6 prints no JSON that can be relied on."""
    host.nft("-f", "-", data="table inet pexip_sfb {\nflags dormant\nchain x {\ncounter packets 1 bytes 2\n}\n}\n")
    assert host.rules.counters() == [{"chain": "x", "comment": "", "packets": 1, "bytes": 2}]
    assert "flags dormant" in owned(host.rules.live("-s"))
    assert not [command for command in host.commands if command.startswith("-j") and "list table" in command]


@pytest.mark.parametrize("about", ["", "flags dormant", 'comment "x"', "map x { type ipv4_addr : verdict; }"])
def test_a_table_of_ours_with_no_set_and_no_chain_is_there(host: NftHost, about: str) -> None:
    host.nft("-f", "-", data=f"table inet pexip_sfb {{\n{about}\n}}\n")
    assert host.rules.tables() == ["pexip_sfb"]
    assert owned(host.rules.live("-s")) == host.ruleset("-s")
    host.rules.remove()
    assert host.rules.tables() == []
    assert host.ruleset() == ""


def test_rules_are_joined_to_one_table(host: NftHost) -> None:
    tables = [f"table inet {name} {{ chain input {{ type filter hook input priority 0; }}; }}\n" for name in "ab"]
    host.nft("-f", "-", data="".join(tables))
    ruleset = "".join(
        f"table inet {name} {{ chain pexip_sfb_input {{ }}; }}\ninsert rule inet {name} input jump pexip_sfb_input\n"
        for name in "ab"
    )
    with pytest.raises(pytest.fail.Exception, match="accepted: only table inet a or table inet b"):
        host.rules.normalised(ruleset)


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
        load(Unprivileged().rules.nft, f"table inet pexip_sfb {{ set a {{ {members} }}; }}")
    told = str(failed.value)
    assert f"Message too long. All rules go to the kernel at once, and here it takes no more than {limit} bytes" in told
    assert "Set net.core.wmem_default higher on the machine that runs the container" in told


def test_other_errors_are_told_as_they_are() -> None:
    with pytest.raises(ModuleFailedError) as failed:
        Unprivileged().rules.nft.run("list", "table", "inet", "nobodys")
    assert str(failed.value).splitlines()[0].endswith("Error: No such file or directory")
