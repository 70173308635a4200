# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets are tried in containers too, where /proc/sys is read-only."""

from __future__ import annotations

import subprocess
import sys

TRY = """
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial import links, trial
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import read_ruleset
data = {"hook": "forward", "family": FAMILY, "protocol": "udp", "source_port": 40000, "destination_port": 3478}
flow = trial.flow_of({**data, "source": SOURCE, "destination": DESTINATION})
host = links.read_host([flow.source, flow.destination])
print(trial.try_packets(host, read_ruleset(), [trial.sample_of("forward", flow, host)]))
try:
    open("/proc/sys/net/ipv4/ip_forward", "w").write("1")
except OSError as e:
    print(e.strerror)
"""
PREPARE = """
set -e
mount --bind /proc/sys /proc/sys
for link in in out; do
  ip link add $link type veth peer name ${link}_end
  ip link set $link up
  ip link set ${link}_end up
done
ip address add 192.0.2.1/24 dev in
ip address add 198.51.100.1/24 dev out
ip -6 address add 2001:db8:1::1/64 dev in nodad
ip -6 address add 2001:db8:2::1/64 dev out nodad
nft add table inet theirs '{ chain forward { type filter hook forward priority 0; policy accept; }; }'
mount -o remount,bind,ro /proc/sys
exec "$@"
"""


def _tried(family: str, source: str, destination: str) -> list[str]:
    names = f"FAMILY, SOURCE, DESTINATION = {family!r}, {source!r}, {destination!r}\n"
    command = ["unshare", "--net", "--mount", "sh", "-c", PREPARE, "sh", sys.executable, "-c", names + TRY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_packets_are_forwarded_where_settings_are_read_only_and_these_stay_so() -> None:
    assert _tried("ipv4", "192.0.2.11", "198.51.100.41") == ["[None]", "Read-only file system"]
    assert _tried("ipv6", "2001:db8:1::11", "2001:db8:2::41") == ["[None]", "Read-only file system"]
