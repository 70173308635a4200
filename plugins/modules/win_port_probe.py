# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the module ``win_port_probe``, whose code is the PowerShell file next to this one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: win_port_probe
short_description: Probe TCP ports of other hosts from permitted source ports, on Windows
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Connects to each destination with a .NET socket that is bound to a source address and a permitted source port, and
    tells what answered, what refused, and where there was silence. In one call for all probes, at the same time.
  - What M(uc_firewall.pexip_sfb.port_probe) does beyond that is not done on Windows. UDP (STUN) and responders are
    V(not_probeable), and V(tls) connects and shakes no hands.
  - Windows repeats a connection that was reset for about two seconds, and hides most ICMP errors. So O(timeout) should
    be three seconds or more, and a firewall that rejects by ICMP is V(filtered) here.
  - Probes to several destinations can have the same source port (C(SO_REUSEADDR)). One that is taken or reserved on the
    host is passed over. Up to ten of those that are permitted are tried, each once.
  - Probing changes nothing. So it is done in check mode, too.
  - M(uc_firewall.pexip_sfb.port_probe) chooses this module by itself on a Windows host.
options:
  probes:
    description: The probes, as those of M(uc_firewall.pexip_sfb.port_probe).
    type: list
    elements: dict
    required: true
  timeout:
    description:
      - Seconds without an answer after which a probe is V(filtered). At most 86400.
      - Text is read with a point, as in V(2.7), whatever the language of the host.
    type: raw
    default: "3.0"
  batch:
    description: Has no effect here; all O(probes) of a call are made at the same time.
    type: int
    default: 40
attributes:
  platform:
    description: Windows, with PowerShell 5.1.
    support: full
    platforms: windows
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.probe
"""

EXAMPLES = r"""
- name: Is SIP open from the Front End to a Conferencing Node?
  uc_firewall.pexip_sfb.win_port_probe:
    probes:
      - {probe: tcp_connect, protocol: tcp, source: 198.51.100.21, destination: 192.0.2.11, destination_port: 5061}
"""

RETURN = r"""
answers:
  description: One for each of O(probes), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    verdict:
      description:
        - V(open) after a connection, V(refused) after a reset, V(filtered) after silence or where a firewall on the
          probing host itself drops the probe, V(error) if the probe could not be sent, V(not_probeable) if it is not
          one of TCP.
        - What is wrong with one of O(probes), such as a source port that is none, is V(error) for that one alone.
      type: str
    detail:
      description: Who answered what.
      type: str
    source:
      description: The address that the probe was sent from.
      type: str
    source_port:
      description: The port that it was sent from.
      type: int
    certificate:
      description: Always null.
      type: dict
"""
