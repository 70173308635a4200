# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables that real hosts have: what is told of them, and what they really do."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from .firewall import SAMPLES, Firewall, Sample
from .test_verdict import compare, compare_loaded

pytestmark = pytest.mark.newer_nft

DEBIAN_WORKSTATION = """
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state invalid counter drop comment "early drop of invalid packets"
    ct state {established, related} counter accept comment "accept all connections related to connections made by us"
    iif lo accept comment "accept loopback"
    iif != lo ip daddr 127.0.0.1/8 counter drop comment "drop connections to loopback not coming from loopback"
    iif != lo ip6 daddr ::1/128 counter drop comment "drop connections to loopback not coming from loopback"
    ip protocol icmp counter accept comment "accept all ICMP types"
    ip6 nexthdr icmpv6 counter accept comment "accept all ICMP types"
    tcp dport 22 counter accept comment "accept SSH"
    counter comment "count dropped packets"
  }
  chain forward { type filter hook forward priority 0; policy drop; counter comment "count dropped packets"; }
  chain output { type filter hook output priority 0; policy accept; counter comment "count accepted packets"; }
}
"""
DEBIAN_EMPTY = """
table inet filter {
  chain input { type filter hook input priority 0; }
  chain forward { type filter hook forward priority 0; }
  chain output { type filter hook output priority 0; }
}
"""
WIKI_SERVER = """
table inet firewall {
  chain inbound_ipv4 { icmp type echo-request limit rate 5/second accept; }
  chain inbound_ipv6 {
    icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept
    icmpv6 type echo-request limit rate 5/second accept
  }
  chain inbound {
    type filter hook input priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname lo accept
    meta protocol vmap { ip : jump inbound_ipv4, ip6 : jump inbound_ipv6 }
    tcp dport { 22, 80, 443} accept
    log prefix "[nftables] Inbound Denied: " counter drop
  }
  chain forward { type filter hook forward priority 0; policy drop; }
}
"""
ZONES = """
table inet filter {
  chain from_outside { ip daddr 10.1.0.1 tcp dport 443 accept; }
  chain from_inside { accept; }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname vmap { "lo" : accept, "in1" : jump from_inside, "in2" : jump from_outside }
  }
}
"""
FAIL2BAN = """
table inet f2b-table {
  set addr-set-sshd { type ipv4_addr; elements = { 203.0.113.9, %s }; }
  chain f2b-chain {
    type filter hook input priority filter - 1; policy accept;
    tcp dport { 22, 5061 } ip saddr @addr-set-sshd reject with icmp port-unreachable
  }
}
"""
NETAVARK = """
table inet netavark {
  chain INPUT { type filter hook input priority filter; policy accept;
    ip saddr 10.88.0.0/16 meta l4proto { tcp, udp } th dport 53 accept
    ip saddr 10.88.0.0/16 drop
  }
  chain FORWARD { type filter hook forward priority filter; policy accept;
    ct state invalid drop
    jump NETAVARK-ISOLATION-1
    ip daddr 10.88.0.0/16 ct state established,related accept
    ip saddr 10.88.0.0/16 accept
  }
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.88.0.0/16 jump nv_53ce4390_10_88_0_0
  }
  chain nv_53ce4390_10_88_0_0 { ip daddr 10.88.0.0/16 accept; ip daddr != 224.0.0.0/4 masquerade; }
  chain NETAVARK-ISOLATION-1 { iifname "podman1" oifname != "podman1" jump NETAVARK-ISOLATION-2; }
  chain NETAVARK-ISOLATION-2 { oifname "podman0" drop; jump NETAVARK-ISOLATION-3; }
  chain NETAVARK-ISOLATION-3 { oifname "podman1" drop; }
}
"""
DORMANT = "table inet off { flags dormant\n chain input { type filter hook input priority 0; policy drop; }\n}"

DOCKER = """
iptables -N DOCKER && iptables -N DOCKER-ISOLATION-STAGE-1 && iptables -N DOCKER-ISOLATION-STAGE-2
iptables -N DOCKER-USER && iptables -P FORWARD DROP
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A FORWARD -o docker0 -j DOCKER
iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
iptables -A FORWARD -i docker0 -o docker0 -j ACCEPT
iptables -A DOCKER ! -i docker0 -o docker0 -p tcp -d 172.17.0.2 --dport 80 -j ACCEPT
iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
iptables -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
iptables -A DOCKER-ISOLATION-STAGE-2 -j RETURN
iptables -A DOCKER-USER {user} -j {target}
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
"""
UFW = """
iptables -P INPUT DROP && iptables -P FORWARD DROP
for chain in before-logging-input before-input after-input reject-input track-input user-input not-local logging-deny
do iptables -N ufw-$chain; done
iptables -A INPUT -j ufw-before-logging-input
iptables -A INPUT -j ufw-before-input
iptables -A INPUT -j ufw-after-input
iptables -A INPUT -j ufw-reject-input
iptables -A INPUT -j ufw-track-input
iptables -A ufw-before-input -i lo -j ACCEPT
iptables -A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
iptables -A ufw-before-input -m conntrack --ctstate INVALID -j DROP
iptables -A ufw-before-input -p icmp --icmp-type 3 -j ACCEPT
iptables -A ufw-before-input -p udp --sport 67 --dport 68 -j ACCEPT
{not_local}
iptables -A ufw-before-input -j ufw-user-input
iptables -A ufw-user-input -p tcp -m conntrack --ctstate NEW --dport 22 -m comment --comment 'ct state' -j ACCEPT
iptables -A ufw-user-input -p udp -s 10.1.0.2 --dport 40000:49999 -j ACCEPT
iptables -A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix '[UFW BLOCK] '
iptables -A ufw-user-input -m conntrack ! --ctstate NEW -j DROP
"""
NOT_LOCAL = """
iptables -A ufw-before-input -j ufw-not-local
iptables -A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
iptables -A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
iptables -A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
iptables -A ufw-not-local -j DROP
"""


def those(choose: Callable[[Sample], bool]) -> set[Sample]:
    return {sample for sample in SAMPLES if choose(sample)}


@pytest.mark.parametrize(
    ("ruleset", "dropped"),
    [
        pytest.param(
            DEBIAN_WORKSTATION,
            lambda s: s.hook == "forward" or (s.hook == "input" and (s.protocol, s.destination_port) != ("tcp", 22)),
            id="debian_workstation",
        ),
        pytest.param(DEBIAN_EMPTY, lambda s: False, id="debian_as_installed"),
        pytest.param(
            WIKI_SERVER,
            lambda s: (
                s.hook == "forward"
                or (s.hook == "input" and not (s.protocol == "tcp" and s.destination_port in (22, 80, 443)))
            ),
            id="server",
        ),
        pytest.param(
            ZONES,
            lambda s: s.hook == "input" and s.source.startswith(("10.2", "2001:db8:2:")),
            id="zones",
        ),
        pytest.param(FAIL2BAN % "203.0.113.10", lambda s: False, id="fail2ban_bans_somebody_else"),
        pytest.param(
            FAIL2BAN % "10.1.0.2, 10.2.0.9",
            lambda s: (
                s.hook == "input"
                and s.protocol == "tcp"
                and s.destination_port in (22, 5061)
                and s.source in ("10.1.0.2", "10.2.0.9")
            ),
            id="fail2ban_bans_hosts_of_the_matrix",
        ),
        pytest.param(NETAVARK, lambda s: False, id="podman"),
        pytest.param(DORMANT, lambda s: False, id="dormant"),
    ],
)
def test_tables_of_nftables(firewall: Firewall, ruleset: str, dropped: Callable[[Sample], bool]) -> None:
    certain, possible = compare(firewall, ruleset)
    assert certain == those(dropped)
    assert not possible


@pytest.fixture
def iptables(firewall: Firewall) -> Callable[[str], None]:
    """Run commands of iptables in the firewall."""
    if not shutil.which("iptables-nft"):
        pytest.fail("iptables-nft not found; install the package iptables")

    def run(script: str) -> None:
        firewall.load("")
        firewall.run("sh", "-ec", script.replace("iptables ", "iptables-nft "))

    return run


def test_docker(firewall: Firewall, iptables: Callable[[str], None]) -> None:
    iptables(DOCKER.format(user="-s 10.2.0.0/24", target="ACCEPT"))
    certain, possible = compare_loaded(firewall)
    assert certain == those(lambda s: s.hook == "forward" and s.family == "ipv4" and not s.source.startswith("10.2."))
    assert not possible


def test_docker_with_an_extension_of_iptables(firewall: Firewall, iptables: Callable[[str], None]) -> None:
    iptables(DOCKER.format(user="-p udp -m multiport --dports 40000:49999", target="ACCEPT"))
    certain, possible = compare_loaded(firewall)
    transit = those(lambda s: s.hook == "forward" and s.family == "ipv4")
    media = {s for s in transit if s.protocol == "udp" and 40000 <= s.destination_port <= 49999}
    assert certain == transit - media
    assert not possible


@pytest.mark.parametrize("not_local", ["", NOT_LOCAL])
def test_ufw(firewall: Firewall, iptables: Callable[[str], None], not_local: str) -> None:
    iptables(UFW.format(not_local=not_local))
    certain, possible = compare_loaded(firewall)
    judged = those(lambda s: s.family == "ipv4" and s.hook == "input")
    permitted = {
        s
        for s in judged
        if (s.protocol, s.destination_port) == ("tcp", 22)
        or (s.protocol == "udp" and 40000 <= s.destination_port <= 49999 and s.source == "10.1.0.2")
    }
    transit = those(lambda s: s.family == "ipv4" and s.hook == "forward")
    assert certain == (judged - permitted) | transit
    assert not possible
