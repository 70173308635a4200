# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module runs for real in a network namespace that exists for the test only."""

from __future__ import annotations

import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.modules import packet_trial
from module_host import ModuleHost

LINKS = """
set -e
ip -n {0} link add east type veth peer name east_end
ip -n {0} link add west type veth peer name west_end
for name in east east_end west west_end; do ip -n {0} link set $name up; done
ip -n {0} address add 192.0.2.1/24 dev east
ip -n {0} address add 198.51.100.1/24 dev west
"""
NOTRACK = """
table ip raw {
  chain pre {
    type filter hook prerouting priority raw;
    udp dport 1024-65535 notrack
    udp sport 3478 notrack
  }
}
"""
STATEFUL = """
table inet pexip_sfb {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state { established, related } accept
    RULES
    counter drop
  }
}
"""
JOINED = """
table inet filter {
  chain pexip_sfb_forward { udp dport 3478 accept; tcp dport 5061 accept; }
}
insert rule inet filter forward jump pexip_sfb_forward
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
    return ModuleHost(namespace, "packet_trial")


@pytest.mark.controller
def test_what_drops_is_named_with_its_rows(host: ModuleHost) -> None:
    host.nft("-f", "-", text=THEIRS)
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
            "answers": 0,
            "advice": "",
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


TRANSLATING = """
table ip nat {
  chain published { udp dport 8080 dnat to 198.51.100.41:80; tcp dport 8080 dnat to 198.51.100.41:80; }
  chain pre { type nat hook prerouting priority dstnat; jump published; }
  chain post { type nat hook postrouting priority srcnat; oifname "west" masquerade; }
}
table inet firewalld { chain pre { type nat hook prerouting priority dstnat; tcp dport 9 dnat ip to 198.51.100.9; }; }
"""


@pytest.mark.controller
def test_what_passes_firewalld_because_others_translate_it_is_said(host: ModuleHost) -> None:
    host.nft("-f", "-", text=TRANSLATING)
    result = host.through_ansible(packets=[packet()], firewalld=True)
    assert result["translated_by"] == ["table ip nat chain published"]
    assert "Destinations are translated by table ip nat chain published. firewalld lets that traffic" in result["shown"]
    result = host.through_ansible(packets=[packet()])
    assert result["translated_by"] == []
    assert "Destinations are translated" not in result["shown"]


def test_what_will_be_is_judged_with_ours_in_it(host: ModuleHost) -> None:
    """Ours let the packet through where they are to be at the head of their chain; otherwise theirs drop it."""
    host.nft("-f", "-", text=THEIRS)
    before = host.nft("-a", "list", "ruleset")
    result = host.module(packets=[packet(), SIP], ruleset=JOINED)
    assert (result["failed"], result["drops"], result["possible"]) == (False, [], [])
    ours_alone = host.module(packets=[packet()], ruleset=OURS.replace("policy drop;", "policy accept;"))
    assert [entry["rows"] for entry in ours_alone["drops"]] == [["media_nodes_to_turn"]]
    assert host.nft("-a", "list", "ruleset") == before


def test_a_rule_that_remembers_an_address_is_no_obstacle_to_joining_its_table(host: ModuleHost) -> None:
    """The kernel tells a time of zero of it, and takes none for a set whose elements do not end by themselves."""
    remembering = (
        "set seen { type ipv4_addr; size 100; flags dynamic; }\n  chain deny { add @seen { ip saddr } counter;"
    )
    host.nft("-f", "-", text=THEIRS.replace("chain deny {", remembering))
    result = host.module(packets=[packet(), SIP], ruleset=JOINED)
    assert (result["failed"], result["drops"], result["possible"]) == (False, [], [])


def test_what_ours_drop_is_no_secret(host: ModuleHost) -> None:
    result = host.module(packets=[packet()], ruleset=OURS)
    (drop,) = result["drops"]
    assert drop["where"] == "table inet pexip_sfb, chain forward, policy drop"


def test_what_nft_does_not_take_fails_as_the_change_would(host: ModuleHost) -> None:
    result = host.module(packets=[packet()], ruleset="table inet pexip_sfb { nonsense }")
    assert result["failed"] is True
    assert result["msg"].startswith("The ruleset was not applied: nft did not take it in a scratch network namespace")


def test_answers_are_judged_too(host: ModuleHost) -> None:
    """Media that are exempt from tracking: the request passes by its rule, and the answer by none."""
    ours = STATEFUL.replace("RULES", "udp dport 3478 accept")
    host.nft("-f", "-", text=NOTRACK)
    (drop,) = host.module(packets=[packet()], ruleset=ours)["drops"]
    assert (drop["packets"], drop["answers"]) == (1, 1)
    assert (
        drop["where"]
        == "table inet pexip_sfb, chain forward, a rule that is to be there: counter packets 0 bytes 0 drop"
    )
    assert drop["example"].startswith("the answer to udp 192.0.2.11:40000 to 198.51.100.41:3478")
    assert "exempted from tracking (notrack) in table ip raw, chain pre. Take" in drop["advice"]
    host.nft("flush", "ruleset")
    assert host.module(packets=[packet()], ruleset=ours)["drops"] == []


def test_an_answer_that_others_drop_is_found(host: ModuleHost) -> None:
    host.nft("-f", "-", text="table ip x { chain f { type filter hook forward priority 0; udp sport 3478 drop; }\n}")
    (drop,) = host.module(packets=[packet()])["drops"]
    assert (drop["answers"], drop["table"], drop["chain"]) == (1, "x", "f")


@pytest.mark.parametrize("rule", ["masquerade", "snat to 198.51.100.77"])
def test_answers_come_back_through_a_translation(host: ModuleHost, rule: str) -> None:
    nat = f'chain post {{ type nat hook postrouting priority srcnat; oifname "west" {rule}; }}'
    host.nft("-f", "-", text=f"table ip nat {{ {nat}\n}}\n{STATEFUL.replace('RULES', 'udp dport 3478 accept')}")
    result = host.module(packets=[packet()])
    assert (result["drops"], result["possible"]) == ([], [])


def test_one_sample_that_answers_another_is_judged_as_the_first_of_its_connection(host: ModuleHost) -> None:
    host.nft("-f", "-", text=STATEFUL.replace("RULES", "udp dport 3478 accept"))
    other = packet("back", source="198.51.100.41", destination="192.0.2.11", source_port=3478, destination_port=40000)
    for packets in ([packet(), other], [other, packet()]):
        assert [entry["rows"] for entry in host.module(packets=packets)["drops"]] == [["back"]]


def test_a_set_that_a_variant_does_not_use_is_no_obstacle(host: ModuleHost) -> None:
    """The kernel takes no set without a name that no rule has, and where a rate is spent the rule ends before it."""
    rule = "limit rate 1/second ip saddr { 192.0.2.11, 192.0.2.12 } accept"
    host.nft(
        "-f", "-", text=f"table ip x {{ chain f {{ type filter hook forward priority 0; policy drop; {rule}; }}\n}}"
    )
    result = host.module(packets=[packet()])
    assert (result["unjudged"], len(result["drops"]) + len(result["possible"])) == ("", 1)


HOST_ITSELF = """
table inet filter {
  chain input { type filter hook input priority 0; policy drop; ct state established accept; tcp dport 22 accept; }
  chain output {
    type filter hook output priority 0; policy drop;
    ct state established accept
    udp dport 53 accept
    icmp type destination-unreachable accept
  }
}
"""


def test_what_the_host_itself_gets_and_sends_is_judged_with_the_answers(host: ModuleHost) -> None:
    """Nobody listens in the copy. What the kernel itself would answer there must not end the connection."""
    host.nft("-f", "-", text=HOST_ITSELF)
    to_it = {"hook": "input", "destination": "192.0.2.1"}
    by_it = {"hook": "output", "source": "198.51.100.1"}
    packets = [
        packet("ssh", protocol="tcp", destination_port=22, **to_it),
        packet("http", protocol="tcp", destination_port=80, **to_it),
        packet("dns", destination_port=53, **by_it),
        packet("ntp", destination_port=123, **by_it),
    ]
    drops = host.module(packets=packets)["drops"]
    assert [(drop["rows"], drop["hook"], drop["answers"]) for drop in drops] == [
        (["http"], "input", 0),
        (["ntp"], "output", 0),
    ]


def test_a_table_that_will_change_only_may_drop(host: ModuleHost) -> None:
    host.nft("-f", "-", text=THEIRS)
    result = host.module(packets=[packet()], uncertain_tables=["inet filter"])
    assert result["drops"] == []
    assert [entry["rows"] for entry in result["possible"]] == [["media_nodes_to_turn"]]


@pytest.mark.controller
def test_where_nobody_may_have_a_network_namespace_it_says_so(host: ModuleHost) -> None:
    host.nft("-f", "-", text=THEIRS)
    without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    result = host.through_ansible(wrapper=without, packets=[packet()])
    assert (result["drops"], result["judged"]) == ([], 0)
    assert result["unjudged"] == "no network namespace can be made (Operation not permitted)"
    assert "was not judged: no network namespace can be made (Operation not permitted)" in result["shown"]


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
    assert list(yaml.safe_load(packet_trial.DOCUMENTATION)["options"]) == [
        "packets",
        "ruleset",
        "uncertain_tables",
        "firewalld",
        "warn_drops",
    ]


def test_a_comment_of_any_encoding_is_no_obstacle(host: ModuleHost) -> None:
    rules = "chain forward { type filter hook forward priority filter; udp dport 3478 drop comment {}; }"
    ruleset = f"table inet filter {{\n{rules}\n}}".replace("{}", '"B\udcfcro"').encode(errors="surrogateescape")
    host.nft("-f", "-", text=ruleset)
    (drop,) = host.module(packets=[packet()])["drops"]
    assert drop["where"].endswith(': udp dport 3478 drop comment "B\ufffdro"')
