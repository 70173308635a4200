# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module runs for real in a network namespace that exists for the test only."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.uc_firewall.pexip_sfb.plugins.modules import nftables_foreign_drops
from module_host import ModuleHost

LINKS = """
set -e
ip -n {0} link add east type veth peer name east_end
ip -n {0} link add west type veth peer name west_end
for name in east east_end west west_end; do ip -n {0} link set $name up; done
ip -n {0} address add 192.0.2.1/24 dev east
ip -n {0} address add 198.51.100.1/24 dev west
"""
OURS = "table inet pexip_sfb { chain forward { type filter hook forward priority filter; policy drop; }\n}"
THEIRS = """
table inet filter {
  chain deny { udp dport 3478 log prefix "no {{ turn }}" drop; }
  chain forward { type filter hook forward priority filter; policy accept;
    iifname "west" oifname "east" accept
    jump deny
    tcp dport 5061 limit rate 10/second accept
    tcp dport 5061 drop
  }
}
"""


def packet(row: str = "media_nodes_to_turn", **changes: t.Any) -> dict[str, t.Any]:
    return {
        "row": row,
        "hook": "forward",
        "family": "ipv4",
        "protocol": "udp",
        "source": "192.0.2.11",
        "source_port": 40000,
        "destination": "198.51.100.41",
        "destination_port": 3478,
        **changes,
    }


SIP = packet("sip_signaling", protocol="tcp", destination_port=5061)


@pytest.fixture
def host(namespace: str) -> ModuleHost:
    subprocess.run(["sh", "-c", LINKS.format(namespace)], check=True)
    return ModuleHost(namespace, "nftables_foreign_drops")


@pytest.mark.controller
def test_what_drops_is_named_with_its_rows(host: ModuleHost) -> None:
    host.nft("-f", "-", text=OURS + THEIRS)
    before = host.nft("list", "ruleset")
    back = packet("media_to_nodes", source="198.51.100.41", destination="192.0.2.11")
    result = host.through_ansible("--check", packets=[packet(), packet(source_port=49999), SIP, back])
    assert result["changed"] is False
    handle = next(line.split()[-1] for line in host.nft("-a", "list", "ruleset").splitlines() if "turn" in line)
    assert result["drops"] == [
        {
            "where": f"table inet filter, chain deny (from chain forward), rule with handle {handle}: "
            'udp dport 3478 log prefix "no {{ turn }}" drop',
            "family": "inet",
            "table": "filter",
            "chain": "forward",
            "hook": "forward",
            "rows": ["media_nodes_to_turn"],
            "packets": 2,
            "example": "udp 192.0.2.11:40000 to 198.51.100.41:3478 (in by east, out by west)",
        }
    ]
    assert [(entry["rows"], entry["where"].rpartition(": ")[2]) for entry in result["possible"]] == [
        (["sip_signaling"], "tcp dport 5061 drop")
    ]
    assert "drops traffic that the port matrix permits (rows media_nodes_to_turn), for example udp" in result["shown"]
    assert "may drop traffic that the port matrix permits (rows sip_signaling)" in result["shown"]
    assert host.nft("list", "ruleset") == before


@pytest.mark.controller
def test_drops_need_not_be_warnings(host: ModuleHost) -> None:
    host.nft("-f", "-", text=THEIRS)
    result = host.through_ansible(packets=[packet(), SIP], warn_drops=False)
    assert len(result["drops"]) == 1
    assert ": drops traffic" not in result["shown"]
    assert "may drop traffic" in result["shown"]


@pytest.mark.parametrize(
    ("ruleset", "arguments"),
    [
        ("", {}),
        (OURS, {}),
        (THEIRS, {"joined": {"inet filter": ["forward"]}}),
        (THEIRS, {"owned_table": "inet filter"}),
        (THEIRS.replace("deny", "our_deny"), {"owned_prefix": "our_"}),
    ],
)
def test_what_is_ours_is_not_judged(host: ModuleHost, ruleset: str, arguments: dict[str, t.Any]) -> None:
    host.nft("-f", "-", text=ruleset)
    result = host.module(packets=[packet()], **arguments)
    assert (result["failed"], result["drops"], result["possible"]) == (False, [], [])


@pytest.mark.controller
def test_many_drops_are_told_in_few_words(host: ModuleHost) -> None:
    rules = "\n".join(f"udp dport {port} drop" for port in range(1000, 1060))
    host.nft("-f", "-", text=f"table ip x {{ chain f {{ type filter hook forward priority 0;\n{rules}\n}}\n}}")
    packets = [packet(f"row_{port}", destination_port=port) for port in range(1000, 1060)]
    result = host.through_ansible(packets=packets)
    assert (len(result["drops"]), result["left_out"]) == (20, 40)
    assert result["shown"].count(": drops traffic") == 5


def test_a_packet_that_turns_round_is_only_possible(host: ModuleHost) -> None:
    host.nft("-f", "-", text=THEIRS)
    result = host.module(packets=[packet(destination="192.0.2.41")])
    assert result["drops"] == []
    assert [entry["rows"] for entry in result["possible"]] == [["media_nodes_to_turn"]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            packet(source="node1"),
            "packets: 'node1' does not appear to be an IPv4 or IPv6 address; accepted: packets as",
        ),
        (packet(hook="ingress"), "value of hook must be one of: input, output, forward, got: ingress"),
    ],
)
def test_packets_that_are_none_are_refused(host: ModuleHost, wrong: dict[str, t.Any], message: str) -> None:
    host.nft("-f", "-", text=THEIRS)
    result = host.module(packets=[wrong])
    assert result["failed"] is True
    assert message in result["msg"]


def test_the_documentation_names_every_option() -> None:
    assert list(yaml.safe_load(nftables_foreign_drops.DOCUMENTATION)["options"]) == [
        "packets",
        "owned_table",
        "owned_prefix",
        "joined",
        "warn_drops",
    ]


def test_a_comment_of_any_encoding_is_no_obstacle(host: ModuleHost) -> None:
    rules = "chain forward { type filter hook forward priority filter; udp dport 3478 drop comment {}; }"
    ruleset = f"table inet filter {{\n{rules}\n}}".replace("{}", '"B\udcfcro"').encode(errors="surrogateescape")
    host.nft("-f", "-", text=ruleset)
    (drop,) = host.module(packets=[packet()])["drops"]
    assert drop["where"].endswith(': udp dport 3478 drop comment "B\ufffdro"')


def test_half_a_listing_is_no_listing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """nft up to 1.0.6 prints one, with exit code 0, where the flags of a table disturb its memory."""
    monkeypatch.setattr(nftables_foreign_drops.Nft, "run", lambda _nft, *_options: '{"nftables": [{"table": {"flags": ')
    with patch_module_args({"packets": [packet()]}), pytest.raises(SystemExit):
        nftables_foreign_drops.main()
    result = json.loads(capsys.readouterr().out)
    assert result["failed"] is True
    assert "cannot be told: nft printed no JSON that it is known to print (JSONDecodeError: " in result["msg"]
